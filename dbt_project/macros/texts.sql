{#- A text without the spaces around it, those of Unicode included. -#}
{% macro trimmed(text) -%}
    {{ return(adapter.dispatch('trimmed')(text)) }}
{%- endmacro %}

{% macro duckdb__trimmed(text) -%}
    trim({{ text }})
{%- endmacro %}

{#- Spark's own `trim` knows one space only. -#}
{% macro spark__trimmed(text) -%}
    regexp_replace({{ text }}, '^[\\p{Zs}]+|[\\p{Zs}]+$', '')
{%- endmacro %}
