import '../sensor/kernel/worker.ts'
