"""Prometheus' configuration and alerts, and Grafana's dashboards."""
