{#-
    One table of the lake, all its days, with the day of arrival in `ds`.

    The pattern is `*/*.parquet` because a partition is a link to a folder, and DuckDB's `**` does not follow links.
    A pattern that matches nothing is an error in DuckDB, so the runner names the tables without any day and lays an
    empty file with their columns under `.empty/`.
-#}
{% macro lake_table(name) -%}
    {#- Asked for here so that the lineage knows of it, whatever the engine makes of it. -#}
    {%- set relation = source('lake', name) -%}
    {{ return(adapter.dispatch('lake_table')(relation)) }}
{%- endmacro %}

{% macro duckdb__lake_table(relation) -%}
    {%- set name = relation.identifier -%}
    {%- set folder = var('lake') ~ ('/.empty/' if name in var('tables_without_days') else '/') ~ name -%}
    read_parquet('{{ folder | replace("'", "''") }}/*/*.parquet', hive_partitioning = true, union_by_name = true)
{%- endmacro %}

{% macro spark__lake_table(relation) -%}
    {{ relation }}
{%- endmacro %}
