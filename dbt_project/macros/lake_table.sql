{#-
    The rows of one table of the lake, all its days, that fit its contract, with the day of arrival in `ds`; to select from.

    Partitions that were written before the contract said so may hold values that it refuses, or lack a column that it
    has since: these rows are left out (`stg_lake__set_aside` counts them), that column is null. The conditions are those by
    which the mapping quarantines rows (`contracts/bounds.py`).
-#}
{% macro lake_table(name) -%}
    {%- set refused = var('refused_by_contract').get(name, []) -%}
    (
        select * from {{ delivered_table(name) }}
        {%- if refused %}
        where not ({% for _, condition in refused %}{{ condition }}{{ ' or ' if not loop.last }}{% endfor %})
        {%- endif %}
    )
{%- endmacro %}

{#- Every row of one table of the lake, with all the columns of its contract; to select from. -#}
{% macro delivered_table(name) -%}
    {#- Named here so that the lineage knows the table, on every engine. -#}
    {%- set relation = source('lake', name) -%}
    {%- set missing = var('columns_without_data').get(name, {}) -%}
    (
        select
            *
            {%- for column, type in missing.items() %},
            cast(null as {{ type }}) as {{ column }}
            {%- endfor %}
        from {{ adapter.dispatch('parquet_days')(relation) }}
    )
{%- endmacro %}

{#-
    The files of a table, each day a folder.

    The pattern of DuckDB is `*/*.parquet` because a partition is a link to a folder, and its `**` does not follow links.
    A folder without files is an error, so the runner names the tables without any day and lays an empty file with
    their columns under `.empty/`.
-#}
{% macro duckdb__parquet_days(relation) -%}
    read_parquet('{{ lake_folder(relation.identifier) | replace("'", "''") }}/*/*.parquet', hive_partitioning = true, union_by_name = true)
{%- endmacro %}

{% macro spark__parquet_days(relation) -%}
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
