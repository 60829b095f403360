import '../sensor/verdict/worker.ts'
