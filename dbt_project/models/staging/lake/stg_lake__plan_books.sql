with published as (

    select * from {{ lake_table('plan_books') }}

),

renamed as (

    select
        -- key
        campaign,

        -- what
        sends,

        -- when
        cast(ds as date) as planned_on
    from published
    -- A night is planned once its marts are built: what they know of campaigns is of the nights before.
    where cast(ds as date) < {{ run_day() }}

)

select * from renamed
