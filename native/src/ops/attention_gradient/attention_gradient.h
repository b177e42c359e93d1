// What the versions of attention_gradient share: the checks, where a sequence lies, and the rows that no live sequence writes.
#pragma once

#include <cstring>

#include "ops/attention/attention.h"

JC_DECLARE(attention_gradient)

namespace jc {

static inline Sequence sequence(const jc_attention_gradient_args* a, int64_t s) {
  if (a->table == nullptr) return {s * a->q_tokens, a->q_tokens, s * a->kv_tokens, a->kv_tokens};
  const int32_t* row = a->table + s * 4;
  return {row[0], row[1], row[2], row[3]};
}

static inline int64_t live_sequences(const jc_attention_gradient_args* a) {
  int64_t live = live_rows(a->live, a->sequences);
  return live > 0 ? live : 0;
}

// Rows [first, first + count) of the queries or keys of a sequence.
struct RowRange {
  int64_t first;
  int64_t count;
};
static inline RowRange query_rows(const jc_attention_gradient_args* a, int64_t s) {
  Sequence at = sequence(a, s);
  return {at.q_first, at.q_count};
}
static inline RowRange key_rows(const jc_attention_gradient_args* a, int64_t s) {
  Sequence at = sequence(a, s);
  return {at.kv_first, at.kv_count};
}

using RowsOf = RowRange (*)(const jc_attention_gradient_args*, int64_t);

// Calls gap(first, last) for each run of rows in no live sequence; returns the rows that are in one. Linear where the
// sequences follow each other, as packed ones do.
template <class F>
int64_t gradient_gaps(const jc_attention_gradient_args* a, RowsOf rows_of, int64_t rows, F&& gap) {
  int64_t live = live_sequences(a);
  int64_t covered = 0;
  int64_t next = 0;
  for (int64_t row = 0; row < rows;) {
    if (next < live && rows_of(a, next).first == row) {
      int64_t count = rows_of(a, next++).count;
      covered += count;
      row += count;
      continue;
    }
    int64_t first = rows;
    for (int64_t s = 0; s < live; ++s) {
      int64_t candidate = rows_of(a, s).first;
      if (candidate >= row && candidate < first) {
        first = candidate;
        next = s;
      }
    }
    if (first > row) gap(row, first);
    row = first;
  }
  return covered;
}

static inline int32_t check_attention_gradient(jc_context* context, const jc_attention_gradient_args* a,
                                               int64_t bytes) {
  const char* name = "attention_gradient";
  JC_CHECK(name, a->q && a->k && a->v && a->dy && a->dq && a->dk && a->dv, "null pointer");
  JC_CHECK(name, a->sequences >= 0 && a->rows >= 0 && a->kv_rows >= 0, "sequences, rows or kv_rows");
  JC_CHECK(name, a->q_tokens > 0 && a->kv_tokens >= a->q_tokens, "q_tokens or kv_tokens");
  JC_CHECK(name, a->heads > 0 && a->head_dim > 0, "heads or head_dim");
  int64_t width = a->heads * a->head_dim;
  JC_CHECK(name, a->ldq >= width && a->ldk >= width && a->ldv >= width && a->lddy >= width, "row stride");
  JC_CHECK(name, a->lddq >= width && a->lddk >= width && a->lddv >= width, "row stride of a gradient");
  JC_CHECK(name, a->workspace && aligned(a->workspace, 64), "workspace: null or not aligned to 64 bytes");
  JC_CHECK(name, a->workspace_bytes >= bytes,
           "workspace_bytes: less than jc_attention_gradient_workspace of one thread");
  int64_t live = live_sequences(a);
  int64_t queries = 0;
  int64_t keys = 0;
  for (int64_t s = 0; s < live; ++s) {
    Sequence at = sequence(a, s);
    JC_CHECK(name, at.q_count >= 1 && at.q_count <= at.kv_count, "table: q_count or kv_count");
    JC_CHECK(name, at.q_count <= a->q_tokens && at.kv_count <= a->kv_tokens, "table: more tokens than planned for");
    JC_CHECK(name, at.q_first >= 0 && at.q_first + at.q_count <= a->rows, "table: q_first");
    JC_CHECK(name, at.kv_first >= 0 && at.kv_first + at.kv_count <= a->kv_rows, "table: kv_first");
    queries += at.q_count;
    keys += at.kv_count;
  }
  auto nothing = [](int64_t, int64_t) {};
  JC_CHECK(name, gradient_gaps(a, query_rows, a->rows, nothing) == queries, "table: queries overlap");
  JC_CHECK(name, gradient_gaps(a, key_rows, a->kv_rows, nothing) == keys, "table: keys overlap");
  return JC_OK;
}

static inline void zero_gradient_gaps(const jc_attention_gradient_args* a) {
  size_t bytes = static_cast<size_t>(a->heads * a->head_dim) * sizeof(float);
  gradient_gaps(a, query_rows, a->rows, [=](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) std::memset(a->dq + row * a->lddq, 0, bytes);
  });
  gradient_gaps(a, key_rows, a->kv_rows, [=](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      std::memset(a->dk + row * a->lddk, 0, bytes);
      std::memset(a->dv + row * a->lddv, 0, bytes);
    }
  });
}

// Queries of a block: most sequences are one.
constexpr int64_t kGradientQueries = 13 * kTileQueries;

static inline int64_t gradient_block(const jc_attention_gradient_args* a) {
  return a->q_tokens < kGradientQueries ? round_up(a->q_tokens, kTileQueries) : kGradientQueries;
}

// Scratch memory of one thread of a fast version.
struct GradientScratch {
  float* keys_across;    // panels as in HeadScratch
  float* values_across;  // panels
  float* keys;           // [kv_tokens, head_stride]
  float* queries;        // [block, head_stride]
  float* upstream;       // [block, head_stride]: dy
  float* p;              // [block, key_stride]
  float* ds;             // [block, key_stride]: dp first
  int64_t head_stride;   // head_dim rounded up to whole vectors
  int64_t
      key_stride;  // one vector more than the keys: tiles of keys read zeros behind those that a tile of queries sees
  int64_t bytes;
};

// Where it lies in `memory`, or, where that is null, how many bytes it has; for vectors of `lanes`.
static inline GradientScratch gradient_scratch(const jc_attention_gradient_args* a, int64_t lanes, float* memory) {
  int64_t next = 0;
  auto take = [&](int64_t floats) {
    float* at = memory != nullptr ? memory + next : nullptr;
    next += round_up(floats, 16);
    return at;
  };
  GradientScratch s;
  int64_t keys = round_up(a->kv_tokens, lanes);
  s.head_stride = round_up(a->head_dim, lanes);
  s.key_stride = keys + lanes;
  int64_t block = gradient_block(a);
  s.keys_across = take(keys * a->head_dim);
  s.values_across = take(keys * a->head_dim);
  s.keys = take(a->kv_tokens * s.head_stride);
  s.queries = take(block * s.head_stride);
  s.upstream = take(block * s.head_stride);
  s.p = take(block * s.key_stride);
  s.ds = take(block * s.key_stride);
  s.bytes = next * static_cast<int64_t>(sizeof(float));
  return s;
}

}  // namespace jc
