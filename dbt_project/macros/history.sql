{#-
    What a snapshot holds from earlier runs, to select from; none before the first.

    DuckDB keeps it in the warehouse. Spark's tables may be gone with its server, so the runner publishes the history to
    the lake and names the folder of its newest day.
-#}
{% macro known_history() -%}
    {{ return(adapter.dispatch('known_history')()) }}
{%- endmacro %}

{% macro duckdb__known_history() -%}
    {{ return(load_relation(this) if execute) }}
{%- endmacro %}

{% macro spark__known_history() -%}
    {{ return(parquet_folder(var('history', 'no-history-given'))) }}
{%- endmacro %}

{#-
    Which people stay in the history: those who agree to profiling as of the run's day. A backfill knows fewer of people's
    decisions than the history already does, so it removes no one.
-#}
{% macro who_stays_in_history() -%}
    {%- if var('ds') < var('newest_profiles') -%}
    true
    {%- else -%}
    person_id in ({{ people_who_agree_to('profiling') }})
    {%- endif -%}
{%- endmacro %}

{#- Run after the snapshot; on Spark, whose files cannot lose rows, the history is written without them instead. -#}
{% macro forget_who_withdrew() -%}
    {{ return(adapter.dispatch('forget_who_withdrew')()) }}
{%- endmacro %}

{% macro duckdb__forget_who_withdrew() -%}
    delete from {{ this }} where not ({{ who_stays_in_history() }})
{%- endmacro %}

{% macro spark__forget_who_withdrew() -%}
{%- endmacro %}

{#-
    A snapshot on Spark: the known history and what changed since, written as a new table.

    dbt's own needs MERGE, which Parquet does not have. This one writes the rows that dbt's strategy `check` with
    `updated_at` would leave: a changed row closes the period that lasts and begins another. A person who is gone keeps
    the last period, as with dbt's `hard_deletes: ignore`, if `who_stays_in_history` lets them.
-#}
{% materialization snapshot, adapter='spark' %}
    {%- if config.get('strategy') != 'check' or config.get('check_cols') is string or not config.get('updated_at') -%}
        {%- do exceptions.raise_compiler_error('On Spark a snapshot has strategy check, a list of check_cols, and updated_at') -%}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}

    {{ run_hooks(pre_hooks) }}
    {%- do adapter.drop_relation(target_relation) -%}
    {%- call statement('main') -%}
        create table {{ target_relation }} using parquet as
        {{ history_with(compiled_code) }}
    {%- endcall -%}
    {{ run_hooks(post_hooks) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- The known history with the states that a query gives: periods closed, periods begun. -#}
{% macro history_with(states_sql) -%}
    {%- set columns = get_columns_in_query(states_sql) -%}
    {%- set key, seen_at = config.get('unique_key'), config.get('updated_at') -%}
with known as (

    select * from {{ known_history() }}

),

states as (

    {{ states_sql }}

),

lasting as (

    select * from known
    where dbt_valid_to is null

),

begun as (

    select states.*
    from states
    left join lasting on states.{{ key }} = lasting.{{ key }}
    where
        lasting.{{ key }} is null
        {%- for column in config.get('check_cols') %}
        or not (states.{{ column }} <=> lasting.{{ column }})
        {%- endfor %}

),

periods as (

    select
        {%- for column in columns %}
        known.{{ column }},
        {%- endfor %}
        known.dbt_scd_id,
        known.dbt_updated_at,
        known.dbt_valid_from,
        case when known.dbt_valid_to is null then begun.{{ seen_at }} else known.dbt_valid_to end as dbt_valid_to
    from known
    left join begun on known.{{ key }} = begun.{{ key }}
    union all
    select
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        {{ snapshot_hash_arguments([key, seen_at]) }} as dbt_scd_id,
        {{ seen_at }} as dbt_updated_at,
        {{ seen_at }} as dbt_valid_from,
        cast(null as timestamp) as dbt_valid_to
    from begun

)

select * from periods
where {{ who_stays_in_history() }}
{%- endmacro %}
