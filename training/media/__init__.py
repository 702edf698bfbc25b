"""What models of posted files share, photos and sounds: labelled files, a residual net, its training, its measures."""
