"""Work that waits: a queue that only rings the bell, sweeps that find again whatever the queue lost, the checkpointer."""
