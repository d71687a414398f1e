"""What tests share: builders, fakes and where published data stands."""
