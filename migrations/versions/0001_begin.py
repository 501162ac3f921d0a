"""Users, tokens, the three resources, their clocks and history."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
LIVE = {"postgresql_where": sa.text("NOT is_deleted"), "sqlite_where": sa.text("is_deleted = 0")}


def upgrade() -> None:
    op.create_table(
        "app_user",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=150), nullable=False),
        sa.Column("name_key", sa.String(length=450), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("token_generation", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_sign_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('viewer', 'editor', 'admin')", name=op.f("ck_app_user_role_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_user")),
        sa.UniqueConstraint("name_key", name=op.f("uq_app_user_name_key")),
    )
    op.create_table(
        "project",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("code_1c", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.Column("search_text", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
    )
    op.create_index("ix_project_name", "project", ["name", "id"], unique=False, **LIVE)
    op.create_index("ix_project_newest", "project", ["created_at", "id"], unique=False, **LIVE)
    op.create_index("ix_project_tick", "project", ["tick", "id"], unique=False)
    op.create_index("ix_project_updated", "project", ["updated_at", "id"], unique=False, **LIVE)
    op.create_index("uq_project_code", "project", ["code_1c"], unique=True)
    op.create_table(
        "resource_clock",
        sa.Column("resource", sa.String(length=63), nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.Column("live_rows", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("resource", name=op.f("pk_resource_clock")),
    )
    op.create_table(
        "row_history",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("resource", sa.String(length=63), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("user_name", sa.String(length=150), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_row_history")),
    )
    op.create_index("ix_row_history_row", "row_history", ["resource", "row_id", "id"], unique=False)
    op.create_table(
        "client",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("project_id", BIG_ID, nullable=True),
        sa.Column("client_code_1c", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=100), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("company_name", sa.String(length=255), nullable=True),
        sa.Column("tax_id", sa.String(length=50), nullable=True),
        sa.Column("registration_number", sa.String(length=100), nullable=True),
        sa.Column("legal_address", sa.Text(), nullable=True),
        sa.Column("actual_address", sa.Text(), nullable=True),
        sa.Column("fax", sa.String(length=50), nullable=True),
        sa.Column("website", sa.String(length=500), nullable=True),
        sa.Column("social_media", JSON, nullable=False),
        sa.Column("additional_phones", JSON, nullable=False),
        sa.Column("industry", sa.String(length=150), nullable=True),
        sa.Column("business_type", sa.String(length=100), nullable=True),
        sa.Column("employee_count", sa.Integer(), nullable=True),
        sa.Column("annual_revenue", sa.Numeric(15, 2).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("established_date", sa.Date(), nullable=True),
        sa.Column("payment_terms", sa.String(length=255), nullable=True),
        sa.Column("credit_limit", sa.Numeric(15, 2).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("currency", sa.String(length=10), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column("region", sa.String(length=100), nullable=True),
        sa.Column("country", sa.String(length=100), nullable=True),
        sa.Column("postal_code", sa.String(length=20), nullable=True),
        sa.Column("latitude", sa.Numeric(9, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("longitude", sa.Numeric(9, 6).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("contact_person", sa.String(length=150), nullable=True),
        sa.Column("contact_position", sa.String(length=100), nullable=True),
        sa.Column("contact_email", sa.String(length=254), nullable=True),
        sa.Column("contact_phone", sa.String(length=100), nullable=True),
        sa.Column("business_region_code", sa.String(length=100), nullable=True),
        sa.Column("business_region_name", sa.String(length=255), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("rating", sa.Numeric(3, 2).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=100), nullable=True),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.Column("search_text", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_client_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
    )
    op.create_index("ix_client_code", "client", ["client_code_1c"], unique=False)
    op.create_index(
        "uq_client_code", "client", [sa.text("coalesce(project_id, 0)"), "client_code_1c"], unique=True
    )
    op.create_index("ix_client_name", "client", ["name", "id"], unique=False, **LIVE)
    op.create_index("ix_client_newest", "client", ["created_at", "id"], unique=False, **LIVE)
    op.create_index(
        "ix_client_project_id", "client", ["project_id", "created_at", "id"], unique=False, **LIVE
    )
    op.create_index("ix_client_tick", "client", ["tick", "id"], unique=False)
    op.create_index("ix_client_updated", "client", ["updated_at", "id"], unique=False, **LIVE)
    op.create_table(
        "nomenklatura",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("project_id", BIG_ID, nullable=True),
        sa.Column("code_1c", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("sku", sa.String(length=100), nullable=True),
        sa.Column("article_code", sa.String(length=100), nullable=True),
        sa.Column("barcode", sa.String(length=100), nullable=True),
        sa.Column("vendor_code", sa.String(length=100), nullable=True),
        sa.Column("brand", sa.String(length=150), nullable=True),
        sa.Column("manufacturer", sa.String(length=200), nullable=True),
        sa.Column("model", sa.String(length=150), nullable=True),
        sa.Column("series", sa.String(length=150), nullable=True),
        sa.Column("base_price", sa.Numeric(15, 2).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("sale_price", sa.Numeric(15, 2).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("cost_price", sa.Numeric(15, 2).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("currency", sa.String(length=10), nullable=True),
        sa.Column(
            "discount_percent", sa.Numeric(5, 2).with_variant(sa.BigInteger(), "sqlite"), nullable=True
        ),
        sa.Column("tax_rate", sa.Numeric(5, 2).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("stock_quantity", sa.Numeric(15, 3).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("min_stock", sa.Numeric(15, 3).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("max_stock", sa.Numeric(15, 3).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("unit_of_measure", sa.String(length=50), nullable=True),
        sa.Column("weight", sa.Numeric(10, 3).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("volume", sa.Numeric(10, 3).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("dimensions", sa.String(length=100), nullable=True),
        sa.Column("category", sa.String(length=150), nullable=True),
        sa.Column("subcategory", sa.String(length=150), nullable=True),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("color", sa.String(length=100), nullable=True),
        sa.Column("size", sa.String(length=100), nullable=True),
        sa.Column("material", sa.String(length=200), nullable=True),
        sa.Column("warranty_period", sa.Integer(), nullable=True),
        sa.Column("expiry_date", sa.Date(), nullable=True),
        sa.Column("production_date", sa.Date(), nullable=True),
        sa.Column("roditel", sa.String(length=255), nullable=True),
        sa.Column("supplier", sa.String(length=255), nullable=True),
        sa.Column("country_code", sa.String(length=10), nullable=True),
        sa.Column("country", sa.String(length=150), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("rating", sa.Numeric(3, 2).with_variant(sa.BigInteger(), "sqlite"), nullable=True),
        sa.Column("popularity_score", sa.Integer(), nullable=True),
        sa.Column("seo_keywords", sa.String(length=500), nullable=True),
        sa.Column("source", sa.String(length=100), nullable=True),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.Column("search_text", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_nomenklatura_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nomenklatura")),
    )
    op.create_index("ix_nomenklatura_code", "nomenklatura", ["code_1c"], unique=False)
    op.create_index(
        "uq_nomenklatura_code", "nomenklatura", [sa.text("coalesce(project_id, 0)"), "code_1c"], unique=True
    )
    op.create_index("ix_nomenklatura_name", "nomenklatura", ["name", "id"], unique=False, **LIVE)
    op.create_index("ix_nomenklatura_newest", "nomenklatura", ["created_at", "id"], unique=False, **LIVE)
    op.create_index(
        "ix_nomenklatura_project_id", "nomenklatura", ["project_id", "created_at", "id"], unique=False, **LIVE
    )
    op.create_index("ix_nomenklatura_tick", "nomenklatura", ["tick", "id"], unique=False)
    op.create_index("ix_nomenklatura_updated", "nomenklatura", ["updated_at", "id"], unique=False, **LIVE)
    op.create_table(
        "refresh_family",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_refresh_family_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_family")),
    )
    op.create_index(op.f("ix_refresh_family_expires_at"), "refresh_family", ["expires_at"], unique=False)
    op.create_index(op.f("ix_refresh_family_user_id"), "refresh_family", ["user_id"], unique=False)
    op.create_table(
        "refresh_token",
        sa.Column("jti", sa.String(length=36), nullable=False),
        sa.Column("family_id", sa.String(length=36), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uses", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["family_id"], ["refresh_family.id"], name=op.f("fk_refresh_token_family_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_refresh_token")),
    )
    op.create_index(op.f("ix_refresh_token_expires_at"), "refresh_token", ["expires_at"], unique=False)
    op.create_index(op.f("ix_refresh_token_family_id"), "refresh_token", ["family_id"], unique=False)
    clock = sa.table("resource_clock", *map(sa.column, ("resource", "tick", "live_rows", "epoch")))
    names = ("project", "client", "nomenklatura")
    op.bulk_insert(
        clock,
        [{"resource": name, "tick": 0, "live_rows": 0, "epoch": secrets.token_hex(8)} for name in names],
    )
