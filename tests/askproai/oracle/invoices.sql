SELECT id, company_id, number, invoice_date, due_date, subtotal, tax_rate, tax_amount, total, status, currency,
    stripe_invoice_id, sent_at, paid_at, metadata, created_at, updated_at
FROM invoices
