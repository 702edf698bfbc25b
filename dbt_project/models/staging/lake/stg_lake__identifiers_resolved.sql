with persons as (

    select * from {{ ref('stg_lake__persons') }}

),

of_nobody as (

    select * from {{ lake_table('identifiers_of_nobody') }}

),

resolved as (

    select
        identifier,
        false as is_of_nobody
    from persons

    union all

    select
        identifier,
        true as is_of_nobody
    from of_nobody
    where cast(ds as date) = {{ run_day() }}

)

select * from resolved
