import '../sensor/self-test/run-worker.ts'
