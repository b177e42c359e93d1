// What every operator's source includes: the contract, argument checks, and the way an operator is published.
#pragma once

#include <cstdint>

#include "jclip.h"

// Declares op X in the three instruction sets and defines the exported function that picks one by context->isa.
// The three names may be the same function where a wider instruction set gains nothing.
#define JC_EXPORT(op, ref_version, avx2_version, avx512_version)                                                       \
  extern "C" __attribute__((visibility("default"))) int32_t jc_##op(jc_context* context, const jc_##op##_args* args) { \
    if (context->isa == JC_AVX512) return avx512_version(context, args);                                               \
    if (context->isa == JC_AVX2) return avx2_version(context, args);                                                   \
    return ref_version(context, args);                                                                                 \
  }

#define JC_DECLARE(op)                            \
  namespace jc::ref {                             \
  int32_t op(jc_context*, const jc_##op##_args*); \
  }                                               \
  namespace jc::avx2 {                            \
  int32_t op(jc_context*, const jc_##op##_args*); \
  }                                               \
  namespace jc::avx512 {                          \
  int32_t op(jc_context*, const jc_##op##_args*); \
  }

#define JC_PUBLIC extern "C" __attribute__((visibility("default")))

namespace jc {

// Writes "<op>: <what>" into context->message and returns JC_INVALID.
int32_t invalid(jc_context* context, const char* op, const char* what);

// Inline functions are static: the files of each instruction set must not share one copy of their code.

// Rows that carry data: min(rows, *live), or rows.
static inline int64_t live_rows(const int64_t* live, int64_t rows) {
  if (live == nullptr) return rows;
  return *live < rows ? *live : rows;
}

static inline bool aligned(const void* p, int64_t bytes) { return (reinterpret_cast<uintptr_t>(p) & (bytes - 1)) == 0; }

static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

}  // namespace jc

// A wrong argument is the caller's defect: name it and stop before anything is written.
#define JC_CHECK(op, condition, what) \
  if (!(condition)) return ::jc::invalid(context, op, what)
