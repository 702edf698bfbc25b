{#-
    A number that can be summed in any order with the same result.

    The sum of floating point numbers depends on the order in which threads meet them, in the last digits. Marts have to be
    the same bytes on every run, so what is summed is a decimal: cents for money, 30 places for decayed weights (an
    act falls below that after about 100 half-lives).
-#}
{% macro exact(expression, places) -%}
    cast({{ expression }} as decimal(38, {{ places }}))
{%- endmacro %}
