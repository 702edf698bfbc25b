{#- The weight of an act on an item: a rating weighs half its stars, and one without stars as much as a view. -#}
{% macro act_weight(action, value) -%}
    {%- set weights = var('act_weights') -%}
    cast(
        case {{ action }}
            {%- for name, weight in weights.items() %}
            when '{{ name }}' then {{ weight }}
            {%- endfor %}
            when 'rate' then coalesce({{ value }} / 2, {{ weights['view'] }})
        end as double
    )
{%- endmacro %}

{#- The actions on an item that have a weight. -#}
{% macro item_actions() -%}
    ('view', 'cart', 'purchase', 'rate')
{%- endmacro %}
