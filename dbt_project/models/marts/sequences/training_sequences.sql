with sequences as (

    select * from {{ ref('int_sequences__ordered') }}

),

consenting as (

    {{ people_who_agree_to('training') }}

),

training_rows as (

    select
        sequences.person_id,
        sequences.item_ids,
        sequences.occurred_at,
        sequences.age_band,
        sequences.gender,
        sequences.region
    from sequences
    inner join consenting on sequences.person_id = consenting.person_id

)

select * from training_rows
