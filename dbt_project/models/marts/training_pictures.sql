{{ files_to_learn_from(id='picture_id', file='picture', kind='image') }}
