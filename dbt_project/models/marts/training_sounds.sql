{{ files_to_learn_from(id='sound_id', file='sound', kind='audio') }}
