SELECT id, company_id, price_per_minute, setup_fee, monthly_base_fee, included_minutes, overage_price_per_minute,
    is_active, valid_from, valid_until, notes, created_at, updated_at
FROM company_pricing
