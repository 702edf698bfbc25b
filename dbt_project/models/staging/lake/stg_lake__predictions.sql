with published as (

    select * from {{ lake_table('predictions') }}

),

renamed as (

    select
        -- key
        person_id,

        -- what
        taste_vector,
        picture_interests,
        sound_interests,
        leave_chance,
        expected_value,
        best_campaign,

        -- when
        cast(ds as date) as predicted_on
    from published
    -- The models predict from the profiles of a day, so a profile can only know what was predicted before its own day. Each
    -- day is a full state: of an older day nothing is left, also not for people whom the latest leaves out.
    where cast(ds as date) = cast('{{ var("predicted_on") }}' as date)

)

select * from renamed
