{#- One row for each element of a list; stands alone in a select list. -#}
{% macro explode(column) -%}
    {{ return(adapter.dispatch('explode')(column)) }}
{%- endmacro %}

{% macro duckdb__explode(column) -%}
    unnest({{ column }})
{%- endmacro %}

{% macro spark__explode(column) -%}
    explode({{ column }})
{%- endmacro %}

{#- Aggregate: the values of a group as a list, in the order of another column that is unique in the group. -#}
{% macro list_in_order(value, position) -%}
    {{ return(adapter.dispatch('list_in_order')(value, position)) }}
{%- endmacro %}

{% macro duckdb__list_in_order(value, position) -%}
    list({{ value }} order by {{ position }})
{%- endmacro %}

{% macro spark__list_in_order(value, position) -%}
    transform(
        array_sort(collect_list(named_struct('position', {{ position }}, 'value', {{ value }}))),
        element -> element.value
    )
{%- endmacro %}

{#- A struct of columns, under their own names. -#}
{% macro struct_of(columns) -%}
    {{ return(adapter.dispatch('struct_of')(columns)) }}
{%- endmacro %}

{% macro duckdb__struct_of(columns) -%}
    struct_pack({% for column in columns %}{{ column }} := {{ column }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro spark__struct_of(columns) -%}
    named_struct({% for column in columns %}'{{ column }}', {{ column }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{#- A list without elements, which fits a list of anything. -#}
{% macro empty_list() -%}
    {{ return(adapter.dispatch('empty_list')()) }}
{%- endmacro %}

{% macro duckdb__empty_list() -%}
    []
{%- endmacro %}

{% macro spark__empty_list() -%}
    array()
{%- endmacro %}

{#- A list of texts as a condition of SQL's `in`. -#}
{% macro one_of(values) -%}
    ({% for value in values %}'{{ value }}'{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
