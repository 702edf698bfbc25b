{#-
    One table of the lake, all its days, with the day of arrival in `ds`.

    The pattern of DuckDB is `*/*.parquet` because a partition is a link to a folder, and its `**` does not follow links.
    A folder without files is an error, so the runner names the tables without any day and lays an empty file with
    their columns under `.empty/`.
-#}
{% macro lake_table(name) -%}
    {#- Named here so that the lineage knows the table, on every engine. -#}
    {%- set relation = source('lake', name) -%}
    {{ return(adapter.dispatch('lake_table')(relation)) }}
{%- endmacro %}

{% macro duckdb__lake_table(relation) -%}
    read_parquet('{{ lake_folder(relation.identifier) | replace("'", "''") }}/*/*.parquet', hive_partitioning = true, union_by_name = true)
{%- endmacro %}

{% macro spark__lake_table(relation) -%}
    {{ parquet_folder(lake_folder(relation.identifier)) }}
{%- endmacro %}

{#- Where the days of a table lie, or its empty file. -#}
{% macro lake_folder(name) -%}
    {{ var('lake') ~ ('/.empty/' if name in var('tables_without_days') else '/') ~ name }}
{%- endmacro %}

{#- All Parquet below a folder as a table of Spark; a column that only newer files have is null in the older ones. -#}
{% macro parquet_folder(folder) -%}
    parquet.`{{ folder | replace('`', '``') }}` with ('mergeSchema' = 'true')
{%- endmacro %}
