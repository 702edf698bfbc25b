with published as (

    select * from {{ lake_table('person_words') }}

),

renamed as (

    select
        -- key
        person_id,

        -- what
        texts,
        text_vector,
        text_interests,
        text_model,

        -- when
        cast(ds as date) as read_on
    from published
    -- As with predictions: what people write is read after the profiles of a night, so that the next ones know it. Each day is
    -- a full state: of an older day nothing is left.
    where cast(ds as date) = cast('{{ var("words_read_on") }}' as date)

)

select * from renamed
