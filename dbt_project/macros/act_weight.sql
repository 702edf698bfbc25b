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

{#- The actions on an item that have a weight, as a condition of SQL's `in`. -#}
{% macro item_actions() -%}
    {{ one_of(item_actions_by_name()) }}
{%- endmacro %}

{#- Their names, in order. -#}
{% macro item_actions_by_name() -%}
    {{ return(['cart', 'purchase', 'rate', 'view']) }}
{%- endmacro %}
