// Version, instruction set, and jc_run.
#include <time.h>

#include "core/pool.h"

namespace jc {

int32_t invalid(jc_context* context, const char* op, const char* what) {
  char* out = context->message;
  char* end = context->message + JC_MESSAGE_BYTES - 1;
  const char* parts[] = {op, ": ", what};
  for (const char* part : parts) {
    while (*part != 0 && out < end) *out++ = *part++;
  }
  *out = 0;
  return JC_INVALID;
}

namespace {

int64_t now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1000000000 + t.tv_nsec;
}

int64_t detect() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma")) {
    return JC_AVX512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return JC_AVX2;
  return JC_REF;
}

}  // namespace
}  // namespace jc

JC_PUBLIC const char* jc_version(void) { return JC_VERSION_STRING; }

JC_PUBLIC int64_t jc_isa(void) { return jc::detect(); }

JC_PUBLIC int32_t jc_run(jc_context* context, const jc_call* calls, int64_t n, int64_t* nanos) {
  jc::Turn turn;
  context->failed = -1;
  context->message[0] = 0;
  int64_t before = nanos != nullptr ? jc::now() : 0;
  for (int64_t i = 0; i < n; ++i) {
    if (context->cancel != nullptr && __atomic_load_n(context->cancel, __ATOMIC_RELAXED) != 0) {
      context->failed = i;
      jc::invalid(context, "run", "cancelled");
      return JC_CANCELLED;
    }
    int32_t status = calls[i].function(context, calls[i].args);
    if (status != JC_OK) {
      context->failed = i;
      return status;
    }
    if (nanos != nullptr) {
      int64_t after = jc::now();
      nanos[i] = after - before;
      before = after;
    }
  }
  return JC_OK;
}
