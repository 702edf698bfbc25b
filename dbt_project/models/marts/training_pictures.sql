with item_deliveries as (

    select * from {{ ref('stg_lake__items') }}

),

items as (

    select * from {{ ref('int_items__described') }}

),

media_deliveries as (

    select * from {{ ref('stg_lake__media') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

profiles as (

    select * from {{ ref('dim_person_profile') }}

),

-- The latest delivery may have lost the photo that an earlier one had: only deliveries with a usable one are numbered.
numbered_item_photos as (

    select
        item_id,
        {{ delivered_file('source', 'arrived_on', 'picture') }} as path,
        row_number() over (partition by item_id order by arrived_on desc, source, picture) as age
    from item_deliveries
    where {{ is_delivered_file('picture') }}

),

item_photos as (

    select
        'item:' || numbered_item_photos.item_id as picture_id,
        numbered_item_photos.path,
        items.category,
        cast(null as {{ dbt.type_string() }}) as person_id,
        -- The photo of an item shows and describes no person.
        false as consent_profiling
    from numbered_item_photos
    inner join items on numbered_item_photos.item_id = items.item_id
    where numbered_item_photos.age = 1

),

numbered_media as (

    select
        media_id,
        identifier,
        {{ delivered_file('source', 'arrived_on', 'path') }} as path,
        row_number() over (partition by media_id order by arrived_on desc, path) as age
    from media_deliveries
    where {{ is_delivered_file('path') }}

),

posted_photos as (

    select
        'media:' || numbered_media.media_id as picture_id,
        numbered_media.path,
        cast(null as {{ dbt.type_string() }}) as category,
        persons.person_id,
        profiles.consent_profiling
    from numbered_media
    inner join persons on numbered_media.identifier = persons.identifier
    inner join profiles on persons.person_id = profiles.person_id
    -- A photo that no model may look at does not enter the mart.
    where numbered_media.age = 1 and profiles.consent_profiling

),

photos as (

    select * from item_photos
    union all
    select * from posted_photos

)

select * from photos
