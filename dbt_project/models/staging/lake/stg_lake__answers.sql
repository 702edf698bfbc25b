with delivered as (

    select * from {{ lake_table('answers') }}

),

renamed as (

    select
        -- key
        answer_id,

        -- who
        source,
        identifier,

        -- what
        survey,
        question,
        answer,

        -- when
        {{ utc('occurred_at') }} as occurred_at,
        cast(ds as date) as arrived_on
    from delivered
    where cast(ds as date) <= {{ run_day() }}

)

select * from renamed
