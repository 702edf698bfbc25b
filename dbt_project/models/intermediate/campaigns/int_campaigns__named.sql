with books as (

    select * from {{ ref('stg_lake__plan_books') }}
    where sends is not null

),

numbered as (

    select
        campaign,
        sends,
        row_number() over (partition by campaign order by planned_on desc, sends) as age
    from books

),

named as (

    select
        campaign,
        sends as visits_campaign
    from numbered
    where age = 1

)

select * from named
