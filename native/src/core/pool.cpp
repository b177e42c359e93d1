#include "core/pool.h"

#include <immintrin.h>
#include <pthread.h>

#include <atomic>

// The oldest version of the symbol: a library built on a new glibc then loads on old ones too.
__asm__(".symver pthread_create,pthread_create@GLIBC_2.2.5");
__asm__(".symver pthread_detach,pthread_detach@GLIBC_2.2.5");

namespace jc {
namespace {

constexpr int kMaxThreads = 256;
constexpr int kMaxJobs = 256;
// About 30 microseconds: long enough for the next operator of a program, short enough to cost a busy machine nothing.
constexpr int kSpins = 2000;

struct Job {
  Body body;
  void* closure;
  int64_t tasks;
  int64_t width;
  std::atomic<int64_t> next{0};
  int64_t slots = 1;            // handed out; under the mutex
  std::atomic<int> helpers{0};  // workers inside
};

struct Pool {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t work = PTHREAD_COND_INITIALIZER;  // parked workers wait here
  pthread_cond_t turn = PTHREAD_COND_INITIALIZER;  // callers beyond the size wait here
  pthread_cond_t done = PTHREAD_COND_INITIALIZER;  // callers wait here for their last helper
  std::atomic<int64_t> size{1};
  std::atomic<int> waiting{0};     // callers without a turn
  std::atomic<uint32_t> epoch{0};  // grows with every job, for workers that spin
  int64_t active = 0;              // threads computing
  int64_t workers = 0;
  int parked = 0;
  int jobs_count = 0;
  Job* jobs[kMaxJobs];
};

Pool pool;

struct Locked {
  Locked() { pthread_mutex_lock(&pool.mutex); }
  ~Locked() { pthread_mutex_unlock(&pool.mutex); }
};

void leave() {  // under the mutex
  --pool.active;
  if (pool.waiting.load(std::memory_order_relaxed) > 0) pthread_cond_signal(&pool.turn);
}

// A job that still has work and room, with a place in it taken; null if there is none or callers wait. Under the mutex.
Job* join(int64_t* slot) {
  if (pool.active >= pool.size.load(std::memory_order_relaxed) || pool.waiting.load(std::memory_order_relaxed) > 0)
    return nullptr;
  for (int i = 0; i < pool.jobs_count; ++i) {
    Job* job = pool.jobs[i];
    if (job->slots < job->width && job->next.load(std::memory_order_relaxed) < job->tasks) {
      *slot = job->slots++;
      job->helpers.fetch_add(1, std::memory_order_relaxed);
      ++pool.active;
      return job;
    }
  }
  return nullptr;
}

void help(Job* job, int64_t slot) {
  for (int64_t i; (i = job->next.fetch_add(1, std::memory_order_relaxed)) < job->tasks;) {
    job->body(job->closure, i, slot);
    if (pool.waiting.load(std::memory_order_relaxed) > 0) break;  // a caller's own work comes before help
  }
  Locked lock;
  leave();
  if (job->helpers.fetch_sub(1, std::memory_order_release) == 1) pthread_cond_broadcast(&pool.done);
}

void* worker(void*) {
  for (;;) {
    uint32_t seen = pool.epoch.load(std::memory_order_acquire);
    int64_t slot = 0;
    Job* job;
    {
      Locked lock;
      job = join(&slot);
    }
    if (job != nullptr) {
      help(job, slot);
      continue;
    }
    for (int i = 0; i < kSpins && pool.epoch.load(std::memory_order_acquire) == seen; ++i) _mm_pause();
    Locked lock;
    if (pool.epoch.load(std::memory_order_acquire) == seen) {
      ++pool.parked;
      pthread_cond_wait(&pool.work, &pool.mutex);
      --pool.parked;
    }
  }
}

void start_workers(int64_t wanted) {  // under the mutex
  while (pool.workers < wanted) {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, worker, nullptr) != 0) return;  // fewer threads compute the same
    pthread_detach(thread);
    ++pool.workers;
  }
}

}  // namespace

int64_t parallel_width(const jc_context* context) {
  int64_t size = pool.size.load(std::memory_order_relaxed);
  return context->threads > 0 && context->threads < size ? context->threads : size;
}

void parallel_for(const jc_context* context, int64_t width, int64_t tasks, void* closure, Body body) {
  int64_t most = parallel_width(context);
  if (width > most) width = most;
  if (width > tasks) width = tasks;
  Job job{body, closure, tasks, width};
  bool shared = false;
  if (width > 1) {
    Locked lock;
    if (pool.jobs_count < kMaxJobs) {
      pool.jobs[pool.jobs_count++] = &job;
      shared = true;
      // Workers that could not join are not woken: they would spin on cores that callers need.
      int64_t room = pool.size.load(std::memory_order_relaxed) - pool.active;
      if (room > 0 && pool.waiting.load(std::memory_order_relaxed) == 0) {
        pool.epoch.fetch_add(1, std::memory_order_release);
        for (int64_t i = 1; i < width && i <= pool.parked && i <= room; ++i) pthread_cond_signal(&pool.work);
      }
    }
  }
  for (int64_t i; (i = job.next.fetch_add(1, std::memory_order_relaxed)) < tasks;) body(closure, i, 0);
  if (!shared) return;
  {
    Locked lock;
    for (int i = 0; i < pool.jobs_count; ++i) {
      if (pool.jobs[i] == &job) pool.jobs[i] = pool.jobs[--pool.jobs_count];
    }
  }
  for (int i = 0; i < kSpins; ++i) {
    if (job.helpers.load(std::memory_order_acquire) == 0) break;
    _mm_pause();
  }
  // Taken even when no helper is left: the last one may still hold the mutex, and the job lives on this stack.
  Locked lock;
  while (job.helpers.load(std::memory_order_acquire) != 0) pthread_cond_wait(&pool.done, &pool.mutex);
}

Turn::Turn() {
  Locked lock;
  while (pool.active >= pool.size.load(std::memory_order_relaxed)) {
    pool.waiting.fetch_add(1, std::memory_order_relaxed);
    pthread_cond_wait(&pool.turn, &pool.mutex);
    pool.waiting.fetch_sub(1, std::memory_order_relaxed);
  }
  ++pool.active;
}

Turn::~Turn() {
  Locked lock;
  leave();
}

}  // namespace jc

JC_PUBLIC int64_t jc_threads(int64_t n) {
  jc::Locked lock;
  if (n > 0) {
    if (n > jc::kMaxThreads) n = jc::kMaxThreads;
    jc::pool.size.store(n, std::memory_order_relaxed);
    jc::start_workers(n - 1);
    pthread_cond_broadcast(&jc::pool.turn);
  }
  return jc::pool.size.load(std::memory_order_relaxed);
}
