// What the versions of attention share: the checks, where a sequence lies, and the rows that no live sequence writes.
#pragma once

#include <cstring>

#include "core/pool.h"

JC_DECLARE(attention)

namespace jc {

constexpr int kTileQueries = 6;  // queries that a fast version takes at a time
// A head's queries are divided among threads at most so far: each chunk packs its keys.
constexpr int64_t kQueryChunks = 2;

struct Sequence {
  int64_t q_first;
  int64_t q_count;
  int64_t kv_first;
  int64_t kv_count;

  // Keys that query i of the sequence sees.
  int64_t seen(int64_t i, bool causal) const { return causal ? kv_count - q_count + i + 1 : kv_count; }
};

static inline Sequence sequence(const jc_attention_args* a, int64_t s) {
  if (a->table == nullptr) return {s * a->q_tokens, a->q_tokens, s * a->kv_tokens, a->kv_tokens};
  const int32_t* row = a->table + s * 4;
  return {row[0], row[1], row[2], row[3]};
}

static inline int64_t live_sequences(const jc_attention_args* a) {
  int64_t live = live_rows(a->live, a->sequences);
  return live > 0 ? live : 0;
}

// Calls gap(first, last) for each run of rows of y in no live sequence; returns the rows that are in one. Linear where
// the sequences follow each other, as packed ones do.
template <class F>
int64_t attention_gaps(const jc_attention_args* a, F&& gap) {
  int64_t live = live_sequences(a);
  int64_t covered = 0;
  int64_t next = 0;
  for (int64_t row = 0; row < a->rows;) {
    if (next < live && sequence(a, next).q_first == row) {
      int64_t count = sequence(a, next++).q_count;
      covered += count;
      row += count;
      continue;
    }
    int64_t first = a->rows;
    for (int64_t s = 0; s < live; ++s) {
      int64_t candidate = sequence(a, s).q_first;
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

static inline int32_t check_attention(jc_context* context, const jc_attention_args* a) {
  JC_CHECK("attention", a->q && a->k && a->v && a->y, "null pointer");
  JC_CHECK("attention", a->sequences >= 0 && a->rows >= 0, "sequences or rows");
  JC_CHECK("attention", a->q_tokens > 0 && a->kv_tokens >= a->q_tokens, "q_tokens or kv_tokens");
  JC_CHECK("attention", a->heads > 0 && a->head_dim > 0, "heads or head_dim");
  int64_t width = a->heads * a->head_dim;
  JC_CHECK("attention", a->ldq >= width && a->ldk >= width && a->ldv >= width && a->ldy >= width, "row stride");
  int64_t live = live_sequences(a);
  int64_t queries = 0;
  for (int64_t s = 0; s < live; ++s) {
    Sequence q = sequence(a, s);
    JC_CHECK("attention", q.q_count >= 1 && q.q_count <= q.kv_count, "table: q_count or kv_count");
    JC_CHECK("attention", q.q_count <= a->q_tokens && q.kv_count <= a->kv_tokens,
             "table: more tokens than planned for");
    JC_CHECK("attention", q.q_first >= 0 && q.kv_first >= 0 && q.q_first + q.q_count <= a->rows,
             "table: q_first or kv_first");
    queries += q.q_count;
  }
  int64_t covered = attention_gaps(a, [](int64_t, int64_t) {});
  JC_CHECK("attention", covered == queries, "table: sequences overlap in y");
  return JC_OK;
}

static inline int32_t check_attention_workspace(jc_context* context, const jc_attention_args* a, int64_t bytes) {
  JC_CHECK("attention", a->workspace && aligned(a->workspace, 64), "workspace: null or not aligned to 64 bytes");
  JC_CHECK("attention", a->workspace_bytes >= bytes, "workspace_bytes: less than jc_attention_workspace of one thread");
  return JC_OK;
}

static inline void zero_gaps(const jc_attention_args* a) {
  attention_gaps(a, [a](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row)
      std::memset(a->y + row * a->ldy, 0, a->heads * a->head_dim * sizeof(float));
  });
}

// Values are read where they lie if a head is whole vectors and one tile wide. Else they are copied: several tiles read
// their lines again and again, and in rows of a wide matrix those lines fall on few sets of the cache.
static inline bool copies_values(const jc_attention_args* a, int64_t lanes, int64_t vectors) {
  return a->head_dim % lanes != 0 || a->head_dim > lanes * vectors;
}

// Bytes of scratch memory of one thread: keys transposed, values, and the scores of a few queries, for tiles of
// `vectors` vectors of `lanes`.
static inline int64_t attention_scratch(const jc_attention_args* a, int64_t lanes, int64_t vectors) {
  int64_t keys = round_up(a->kv_tokens, lanes);
  int64_t values = copies_values(a, lanes, vectors) ? a->kv_tokens * round_up(a->head_dim, lanes) : 0;
  int64_t floats = keys * a->head_dim + values + kTileQueries * keys;
  return round_up(floats * static_cast<int64_t>(sizeof(float)), 64);
}

}  // namespace jc
