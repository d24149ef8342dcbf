"""The controller of Experiments: ReplicaSets beside a rollout, and what analyses say of them."""
