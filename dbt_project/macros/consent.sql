{#- The people who agree to any of some purposes, as `dim_person_consent` knows it; to join with. -#}
{% macro people_who_agree_to() -%}
    select person_id from {{ ref('dim_person_consent') }}
    where {% for purpose in varargs %}consent_{{ purpose }}{{ ' or ' if not loop.last }}{% endfor %}
{%- endmacro %}

{#- The purposes that a person decides on. -#}
{% macro purposes() -%}
    {{ return(['profiling', 'training', 'personalisation', 'marketing_contact']) }}
{%- endmacro %}
