with messages as (

    select * from {{ ref('int_messages__summed') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

consenting as (

    {{ people_who_agree_to('profiling', 'training', 'personalisation') }}

),

sends as (

    select
        -- keys
        messages.message_id,
        persons.person_id,
        messages.campaign,
        messages.plan,
        messages.channel,

        -- what became of it
        messages.status,
        messages.sent_at,
        messages.delivered_at,
        messages.opened_at,
        messages.clicked_at,
        messages.unsubscribed_at,
        messages.complained_at,
        messages.is_refused as bounced
    from messages
    inner join persons on messages.identifier = persons.identifier
    inner join consenting on persons.person_id = consenting.person_id

)

select * from sends
