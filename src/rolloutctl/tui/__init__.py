"""The dashboard: what an on-call person keeps open. No rule and no request of its own."""
