SELECT id, company_id, branch_id, subscription_id, start_date, end_date, status, total_minutes, used_minutes,
    included_minutes, overage_minutes, price_per_minute, base_fee, overage_cost, total_cost, total_revenue, margin,
    margin_percentage, currency, is_prorated, proration_factor, is_invoiced, invoiced_at, stripe_invoice_id,
    stripe_invoice_created_at, invoice_id, created_at, updated_at
FROM billing_periods
