// BlockSource
