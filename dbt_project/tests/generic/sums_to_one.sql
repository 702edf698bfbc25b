{#- Fails for each group whose shares do not add up to 1, within what floating point numbers can hold. -#}
{% test sums_to_one(model, column_name, group_by) %}

select
    {{ group_by }},
    sum({{ column_name }}) as total
from {{ model }}
group by {{ group_by }}
having abs(sum({{ column_name }}) - 1) > 1e-9

{% endtest %}
