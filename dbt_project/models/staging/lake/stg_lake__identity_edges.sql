with delivered as (

    select * from {{ lake_table('identity_edges') }}

),

renamed as (

    select
        -- key
        edge_id,

        -- who
        source,
        left_identifier,
        right_identifier,

        -- what
        kind,

        -- when
        {{ utc('occurred_at') }} as occurred_at,
        cast(ds as date) as arrived_on
    from delivered
    where cast(ds as date) <= {{ run_day() }}

)

select * from renamed
