{#-
    The age band that an answer names; null where it fits none.

    Understood are a number of years (`37`), a span that is exactly one of ours (`25 - 34 years`), and a span that
    begins at 65 or later (`65 and up`). A wider span (`18 - 34`) would be a guess.
-#}
{% macro age_band(answer) -%}
    {%- set first = "try_cast(regexp_extract(" ~ answer ~ ", '([0-9]+)', 1) as int)" -%}
    {%- set second = "try_cast(regexp_extract(" ~ answer ~ ", '[0-9]+[^0-9]+([0-9]+)', 1) as int)" -%}
    {%- set is_number = "regexp_extract(" ~ trimmed(answer) ~ ", '^([0-9]+)$', 1) <> ''" -%}
    case
        when {{ first }} >= 65 then '65+'
        {%- for lowest, highest in [(18, 24), (25, 34), (35, 44), (45, 54), (55, 64)] %}
        when {{ first }} = {{ lowest }} and {{ second }} = {{ highest }} then '{{ lowest }}-{{ highest }}'
        when {{ is_number }} and {{ first }} between {{ lowest }} and {{ highest }} then '{{ lowest }}-{{ highest }}'
        {%- endfor %}
    end
{%- endmacro %}
