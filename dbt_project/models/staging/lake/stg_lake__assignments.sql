with published as (

    select * from {{ lake_table('assignments') }}

),

renamed as (

    select
        -- key
        identifier,
        experiment,

        -- what
        arm,
        since,
        left_out
    from published
    -- Arms are drawn after the profiles of a day, so a profile can only know those of an earlier night. Each day is a full state.
    where cast(ds as date) = cast('{{ var("assigned_on") }}' as date)

)

select * from renamed
