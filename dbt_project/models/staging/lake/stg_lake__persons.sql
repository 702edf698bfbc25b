with delivered as (

    select * from {{ lake_table('persons') }}

),

renamed as (

    select
        identifier,
        person_id,
        first_ds
    from delivered
    -- Each day is a full state, so this is the one table of which a single day is read.
    where cast(ds as date) = {{ run_day() }}

)

select * from renamed
