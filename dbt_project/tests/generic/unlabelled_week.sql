{#- Fails for each row of a week that is over without a label, or of the coming week with one. -#}
{% test unlabelled_week(model) %}

select *
from {{ model }}
where
    (sent_on <= {{ run_day() }} and (clicked is null or purchased is null or order_value is null))
    or (sent_on > {{ run_day() }} and (clicked is not null or purchased is not null or order_value is not null))
    or (sent_on > {{ run_day() }} and churned is not null)

{% endtest %}
