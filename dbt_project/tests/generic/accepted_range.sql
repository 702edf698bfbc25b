{#- Fails for each value below the lowest or above the highest that is accepted, infinite, or no number; null passes. -#}
{% test accepted_range(model, column_name, lowest=none, highest=none) %}

select {{ column_name }}
from {{ model }}
where
    -- To both engines NaN is larger than any number.
    {{ column_name }} > 1.7976931348623157e308
    {%- if lowest is not none %}
    or {{ column_name }} < {{ lowest }}
    {%- endif %}
    {%- if highest is not none %}
    or {{ column_name }} > {{ highest }}
    {%- endif %}

{% endtest %}
