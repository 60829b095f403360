import { runTracer } from '../harden/trace/worker.ts'

/* The thread in which `paddock harden --trace` follows a container's processes. */
runTracer()
