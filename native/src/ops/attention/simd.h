// Attention over vectors. For each (sequence, head) a thread transposes the keys into its scratch memory, so that a
// lane is a key, and then takes six queries at a time: their whole score rows, the softmax, the weighted sum of the
// values.
//
//   scores  tile of 6 queries x 4 vectors of keys: per element of the head 4 loads and 6 broadcasts for 24 FMAs.
//   output  tile of 6 queries x 4 vectors of the head: per key 4 loads and 6 broadcasts for 24 FMAs.
//
// At head_dim 64 the keys and values of 50 tokens fill the L1 cache (32 KB) just so; those of 577 tokens lie in L2 (300
// KB of 1 MB), 256 bytes for 24 cycles of FMA.
//
// Order of addition: a score is one chain over head_dim; the sum of the exponentials has lanes by key number, an absent
// key being 0; an output is one chain over the keys, an unseen key adding 0 times its value. So the bits of a query
// depend on its own keys alone.
//
// The loops over a tile are unrolled by pragma: g++ keeps accumulators in registers only where every index is a
// constant.
#pragma once

#include <cmath>
#include <type_traits>

#include "ops/attention/attention.h"

namespace jc {

// f(integral_constant n) for n in [1, kMost].
template <int kMost, class F>
inline void with_count(int64_t n, F&& f) {
  if constexpr (kMost > 1) {
    if (n < kMost) return with_count<kMost - 1>(n, f);
  }
  f(std::integral_constant<int, kMost>{});
}

template <class V>
struct HeadScratch {
  float* keys;    // panels of kTileVectors vectors of keys; a panel is [head_dim, its keys]
  float* values;  // [kv_tokens, head_dim rounded up to whole vectors], or nothing
  float* scores;  // [kTileQueries, keys]
  int64_t score_stride;

  HeadScratch(const jc_attention_args* a, void* memory) {
    score_stride = round_up(a->kv_tokens, V::kWidth);
    keys = static_cast<float*>(memory);
    scores = keys + score_stride * a->head_dim;
    values = scores + kTileQueries * score_stride;
  }
};

template <class V>
constexpr int64_t kPanel = V::kWidth* V::kTileVectors;

// Keys of the panel that starts at key `first`, rounded up to whole vectors.
template <class V>
int64_t panel_keys(int64_t first, int64_t count) {
  int64_t rest = round_up(count - first, V::kWidth);
  return rest < kPanel<V> ? rest : kPanel<V>;
}

template <class V>
void pack_keys(const float* k, int64_t ldk, int64_t count, int64_t head_dim, float* keys) {
  for (int64_t first = 0; first < count; first += kPanel<V>) {
    int64_t stride = panel_keys<V>(first, count);
    float* panel = keys + first * head_dim;
    for (int64_t key = 0; key < stride; key += V::kWidth) {
      for (int64_t d = 0; d < head_dim; d += V::kWidth) {
        int64_t columns = head_dim - d < V::kWidth ? head_dim - d : V::kWidth;
        V::transpose(k + (first + key) * ldk + d, ldk, count - first - key, columns, panel + d * stride + key, stride);
      }
    }
  }
}

template <class V>
void pack_values(const float* v, int64_t ldv, int64_t count, int64_t head_dim, float* values) {
  int64_t stride = round_up(head_dim, V::kWidth);
  for (int64_t key = 0; key < count; ++key) {
    int64_t d = 0;
    for (; d + V::kWidth <= head_dim; d += V::kWidth) V::store(values + key * stride + d, V::load(v + key * ldv + d));
    if (d < head_dim) V::store(values + key * stride + d, V::load(v + key * ldv + d, head_dim - d));
  }
}

template <class V, int kQueries, int kVectors>
void score_tile(const float* q, int64_t ldq, const float* keys, int64_t key_stride, int64_t head_dim, float scale,
                float* scores, int64_t score_stride) {
  typename V::Float t[kQueries][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kQueries; ++i) {
#pragma GCC unroll 8
    for (int c = 0; c < kVectors; ++c) t[i][c] = V::zero();
  }
  for (int64_t d = 0; d < head_dim; ++d) {
    typename V::Float key[kVectors];
#pragma GCC unroll 8
    for (int c = 0; c < kVectors; ++c) key[c] = V::load(keys + d * key_stride + c * V::kWidth);
#pragma GCC unroll 8
    for (int i = 0; i < kQueries; ++i) {
      typename V::Float query = V::set(q[i * ldq + d]);
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c) t[i][c] = V::fma(query, key[c], t[i][c]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kQueries; ++i) {
#pragma GCC unroll 8
    for (int c = 0; c < kVectors; ++c) V::store(scores + i * score_stride + c * V::kWidth, t[i][c] * V::set(scale));
  }
}

// scores = exp(scores - largest) for the n keys seen, 0 from there to `keys`; returns the sum.
template <class V>
float exponentials(float* scores, int64_t n, int64_t keys) {
  constexpr int64_t kLanes = V::kWidth;
  int64_t tail = n % kLanes;
  int64_t whole = n - tail;
  typename V::Float largest = V::set(-INFINITY);
  for (int64_t j = 0; j < whole; j += kLanes) largest = V::max(largest, V::load(scores + j));
  if (tail > 0) largest = V::max(largest, V::select_first(tail, V::load(scores + whole), V::set(-INFINITY)));
  typename V::Float shift = V::set(V::largest(largest));
  typename V::Float sum = V::zero();
  for (int64_t j = 0; j < whole; j += kLanes) {
    typename V::Float e = V::exp(V::load(scores + j) - shift);
    V::store(scores + j, e);
    sum = sum + e;
  }
  if (tail > 0) {
    typename V::Float e = V::select_first(tail, V::exp(V::load(scores + whole) - shift), V::zero());
    V::store(scores + whole, e);
    sum = sum + e;
    whole += kLanes;
  }
  for (int64_t j = whole; j < keys; j += kLanes) V::store(scores + j, V::zero());
  return V::sum(sum);
}

template <class V, int kQueries, int kVectors>
void output_tile(const float* scores, int64_t score_stride, const float* values, int64_t value_stride, int64_t keys,
                 const float* inverse, float* y, int64_t ldy, int64_t columns) {
  typename V::Float t[kQueries][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kQueries; ++i) {
#pragma GCC unroll 8
    for (int c = 0; c < kVectors; ++c) t[i][c] = V::zero();
  }
  for (int64_t j = 0; j < keys; ++j) {
    typename V::Float value[kVectors];
#pragma GCC unroll 8
    for (int c = 0; c < kVectors; ++c) value[c] = V::load(values + j * value_stride + c * V::kWidth);
#pragma GCC unroll 8
    for (int i = 0; i < kQueries; ++i) {
      typename V::Float weight = V::set(scores[i * score_stride + j]);
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c) t[i][c] = V::fma(weight, value[c], t[i][c]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kQueries; ++i) {
#pragma GCC unroll 8
    for (int c = 0; c < kVectors; ++c) {
      // + 0 turns -0 to 0: an unseen key of another query in the tile may have done so or not.
      typename V::Float out = (t[i][c] + V::zero()) * V::set(inverse[i]);
      int64_t rest = columns - c * V::kWidth;
      if (rest >= V::kWidth) {
        V::store(y + i * ldy + c * V::kWidth, out);
      } else {
        V::store(y + i * ldy + c * V::kWidth, out, rest);
      }
    }
  }
}

// Queries [first, last) of one head of one sequence; last - first is anything.
template <class V>
void attention_head(const jc_attention_args* a, Sequence at, int64_t head, int64_t first, int64_t last,
                    HeadScratch<V> scratch) {
  bool causal = a->causal != 0;
  int64_t column = head * a->head_dim;
  int64_t count = at.seen(last - 1, causal);  // keys that any of these queries sees
  const float* v = a->v + at.kv_first * a->ldv + column;
  int64_t value_stride = a->ldv;
  pack_keys<V>(a->k + at.kv_first * a->ldk + column, a->ldk, count, a->head_dim, scratch.keys);
  if (copies_values(a, V::kWidth, V::kTileVectors)) {
    pack_values<V>(v, a->ldv, count, a->head_dim, scratch.values);
    v = scratch.values;
    value_stride = round_up(a->head_dim, V::kWidth);
  }
  for (int64_t query = first; query < last; query += kTileQueries) {
    int64_t queries = last - query < kTileQueries ? last - query : kTileQueries;
    int64_t keys = at.seen(query + queries - 1, causal);
    const float* q = a->q + (at.q_first + query) * a->ldq + column;
    float* y = a->y + (at.q_first + query) * a->ldy + column;
    float inverse[kTileQueries];
    with_count<kTileQueries>(queries, [&](auto n) {
      for (int64_t key = 0; key < keys; key += kPanel<V>) {
        with_count<V::kTileVectors>(panel_keys<V>(key, keys) / V::kWidth, [&](auto vectors) {
          score_tile<V, n(), vectors()>(q, a->ldq, scratch.keys + key * a->head_dim, panel_keys<V>(key, count),
                                        a->head_dim, static_cast<float>(a->scale), scratch.scores + key,
                                        scratch.score_stride);
        });
      }
      for (int i = 0; i < n(); ++i) {
        inverse[i] =
            1.0f / exponentials<V>(scratch.scores + i * scratch.score_stride, at.seen(query + i, causal), keys);
      }
      for (int64_t d = 0; d < a->head_dim; d += kPanel<V>) {
        with_count<V::kTileVectors>(ceil_div(a->head_dim - d, V::kWidth), [&](auto vectors) {
          output_tile<V, n(), vectors()>(scratch.scores, scratch.score_stride, v + d, value_stride, keys, inverse,
                                         y + d, a->ldy, a->head_dim - d);
        });
      }
    });
  }
}

template <class V>
int32_t attention_simd(jc_context* context, const jc_attention_args* a) {
  if (int32_t status = check_attention(context, a); status != JC_OK) return status;
  int64_t bytes = attention_scratch(a, V::kWidth, V::kTileVectors);
  if (int32_t status = check_attention_workspace(context, a, bytes); status != JC_OK) return status;
  zero_gaps(a);
  int64_t heads = live_sequences(a) * a->heads;
  int64_t threads = parallel_width(context);
  if (threads > a->workspace_bytes / bytes) threads = a->workspace_bytes / bytes;
  if (heads * a->q_tokens * a->kv_tokens * a->head_dim < 65536) threads = 1;
  int64_t chunks = threads > 1 && heads < 4 * threads && a->q_tokens >= 96 ? kQueryChunks : 1;
  parallel(context, threads, heads * chunks, [=](int64_t task, int64_t slot) {
    Sequence at = sequence(a, task / chunks / a->heads);
    int64_t chunk = task % chunks;
    int64_t length = round_up(ceil_div(at.q_count, chunks), kTileQueries);
    int64_t first = chunk * length;
    int64_t last = first + length < at.q_count ? first + length : at.q_count;
    HeadScratch<V> scratch(a, static_cast<char*>(a->workspace) + slot * bytes);
    if (first < last) attention_head<V>(a, at, task / chunks % a->heads, first, last, scratch);
  });
  return JC_OK;
}

}  // namespace jc
