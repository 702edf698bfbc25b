{#- Fails for each value below the lowest or above the highest that is accepted; null passes. -#}
{% test accepted_range(model, column_name, lowest=none, highest=none) %}

select {{ column_name }}
from {{ model }}
where
    false
    {%- if lowest is not none %}
    or {{ column_name }} < {{ lowest }}
    {%- endif %}
    {%- if highest is not none %}
    or {{ column_name }} > {{ highest }}
    {%- endif %}

{% endtest %}
