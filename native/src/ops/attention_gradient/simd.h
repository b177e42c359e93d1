// Gradient of attention over vectors. For each (sequence, head) a thread copies the head's keys, and keys and values transposed, into
// its scratch memory, and then takes a block of queries: p and ds of all pairs of the block, six queries at a time, with the tiles of
// the forward pass; then dq; then the block's part of dk and dv.
//
//   p, dp    tile of 6 queries x 4 vectors of keys, as in attention: q k^T and dy v^T.
//   dq       tile of 6 queries x 4 vectors of the head, over the keys: ds k.
//   dk, dv   tile of 6 keys x 4 vectors of the head, over the queries: ds^T q, p^T dy.
//
// Each tile has 4 loads and 6 broadcasts for 24 FMAs. All rows are copied: in rows of a wide matrix they fall on few sets of the L1
// cache, and five products read them. For 50 tokens and head_dim 64 the scratch memory is 90 KB, for 577 860 KB (1 MB of L2).
//
// Order of addition: p, dp one chain over head_dim; sums over keys have lanes by key number; dq one chain over the keys; dk and dv one
// chain over the queries, which goes on from block to block in the output itself. What a pair that is not seen adds is 0.
#pragma once

#include "ops/attention/simd.h"
#include "ops/attention_gradient/attention_gradient.h"

namespace jc {

// Turns scores and dp of a row into p and ds for the n keys seen; zeros from there to `filled`.
template <class V>
void probability_gradient(float* p, float* ds, int64_t n, int64_t filled, float scale) {
  using Float = typename V::Float;
  constexpr int64_t kLanes = V::kWidth;
  Float inverse = V::set(1.0f / exponentials<V>(p, n, filled));
  int64_t tail = n % kLanes;
  int64_t whole = n - tail;
  Float sum = V::zero();
  for (int64_t j = 0; j < whole; j += kLanes) {
    Float probability = V::load(p + j) * inverse;
    V::store(p + j, probability);
    sum = V::fma(probability, V::load(ds + j), sum);
  }
  if (tail > 0) {
    Float probability = V::load(p + whole) * inverse;  // 0 where no key is seen
    V::store(p + whole, probability);
    sum = V::fma(probability, V::select_first(tail, V::load(ds + whole), V::zero()), sum);
  }
  Float mean = V::set(V::sum(sum));
  Float factor = V::set(scale);
  for (int64_t j = 0; j < whole; j += kLanes) V::store(ds + j, V::load(p + j) * (V::load(ds + j) - mean) * factor);
  int64_t next = whole;
  if (tail > 0) {
    Float value = V::load(p + whole) * (V::load(ds + whole) - mean) * factor;
    V::store(ds + whole, V::select_first(tail, value, V::zero()));
    next += kLanes;
  }
  for (; next < filled; next += kLanes) V::store(ds + next, V::zero());
}

// y[r] (+)= sum over i < count of weights[r weight_row + i weight_step] x[i]; columns of the head from x's and y's first on.
template <class V, int kRows, int kVectors>
void gradient_tile(const float* weights, int64_t weight_row, int64_t weight_step, const float* x, int64_t ldx,
                   int64_t count, float* y, int64_t ldy, int64_t columns, bool accumulate) {
  using Float = typename V::Float;
  Float t[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < kVectors; ++c)
      t[r][c] = accumulate ? V::load(y + r * ldy + c * V::kWidth, columns - c * V::kWidth) : V::zero();
  }
  for (int64_t i = 0; i < count; ++i) {
    Float value[kVectors];
#pragma GCC unroll 8
    for (int c = 0; c < kVectors; ++c) value[c] = V::load(x + i * ldx + c * V::kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      Float weight = V::set(weights[r * weight_row + i * weight_step]);
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c) t[r][c] = V::fma(weight, value[c], t[r][c]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < kVectors; ++c) {
      Float out = t[r][c] + V::zero();  // -0 to 0: pairs that are not seen may have done so or not
      int64_t rest = columns - c * V::kWidth;
      rest >= V::kWidth ? V::store(y + r * ldy + c * V::kWidth, out) : V::store(y + r * ldy + c * V::kWidth, out, rest);
    }
  }
}

// The same for `rows` <= kTileQueries rows and a whole head.
template <class V>
void gradient_rows(const float* weights, int64_t rows, int64_t weight_row, int64_t weight_step, const float* x,
                   int64_t ldx, int64_t count, float* y, int64_t ldy, int64_t columns, bool accumulate) {
  with_count<kTileQueries>(rows, [&](auto n) {
    for (int64_t d = 0; d < columns; d += kPanel<V>) {
      with_count<V::kTileVectors>(ceil_div(columns - d, V::kWidth), [&](auto vectors) {
        gradient_tile<V, n(), vectors()>(weights, weight_row, weight_step, x + d, ldx, count, y + d, ldy, columns - d,
                                         accumulate);
      });
    }
  });
}

// to[i][j] = scale from[i] . key j, for a tile of queries and `keys` keys of panels that were packed for `count` keys.
template <class V>
void pair_products(const float* from, int64_t ld, int64_t rows, const float* across, int64_t keys, int64_t count,
                   int64_t head_dim, float scale, float* to, int64_t key_stride) {
  with_count<kTileQueries>(rows, [&](auto n) {
    for (int64_t key = 0; key < keys; key += kPanel<V>) {
      with_count<V::kTileVectors>(panel_keys<V>(key, keys) / V::kWidth, [&](auto vectors) {
        score_tile<V, n(), vectors()>(from, ld, across + key * head_dim, panel_keys<V>(key, count), head_dim, scale,
                                      to + key, key_stride);
      });
    }
  });
}

// One head of one sequence.
template <class V>
struct HeadGradient {
  const jc_attention_gradient_args* a;
  Sequence at;
  int64_t column;
  GradientScratch scratch;
  Sequence next_at;  // of the head that comes after this
  int64_t next_column;

  // Rows of a wide matrix that are short pieces escape the hardware's prefetchers: those of the next head are asked for while this one is
  // computed, a few before each product, since only some 20 lines can be under way. Queries (keys) [done, done + more) of this head stand
  // for as large a part of the next one's.
  template <class T>
  void ask(T* x, int64_t ld, RowRange rows, int64_t done, int64_t more, int64_t all) const {
    if (next_column < 0) return;
    int64_t last = rows.count * (done + more) / all;
    for (int64_t row = rows.count * done / all; row < last; ++row) {
      T* p = x + (rows.first + row) * ld + next_column;
      for (int64_t d = 0; d < a->head_dim; d += 16) {
        if constexpr (std::is_const_v<T>) {
          V::prefetch(p + d);
        } else {
          V::prefetch_write(p + d);
        }
      }
    }
  }

  void pack() {
    const float* k = a->k + at.kv_first * a->ldk + column;
    const float* v = a->v + at.kv_first * a->ldv + column;
    pack_keys<V>(k, a->ldk, at.kv_count, a->head_dim, scratch.keys_across);
    pack_keys<V>(v, a->ldv, at.kv_count, a->head_dim, scratch.values_across);
    pack_values<V>(k, a->ldk, at.kv_count, a->head_dim, scratch.keys);
  }

  // p, ds and dq of queries [first, last).
  void block_queries(int64_t first, int64_t last) {
    bool causal = a->causal != 0;
    float scale = static_cast<float>(a->scale);
    int64_t row = at.q_first + first;
    pack_values<V>(a->q + row * a->ldq + column, a->ldq, last - first, a->head_dim, scratch.queries);
    pack_values<V>(a->dy + row * a->lddy + column, a->lddy, last - first, a->head_dim, scratch.upstream);
    for (int64_t query = first; query < last; query += kTileQueries) {
      int64_t rows = last - query < kTileQueries ? last - query : kTileQueries;
      int64_t keys = at.seen(query + rows - 1, causal);
      // A tile of keys may begin at the last one seen here and have as many as a tile of queries.
      int64_t filled = round_up(keys + kTileQueries - 1, V::kWidth);
      int64_t from = (query - first) * scratch.head_stride;
      float* p = scratch.p + (query - first) * scratch.key_stride;
      float* ds = scratch.ds + (query - first) * scratch.key_stride;
      RowRange next_queries = {next_at.q_first, next_at.q_count}, next_keys = {next_at.kv_first, next_at.kv_count};
      ask(a->k, a->ldk, next_keys, query, rows, at.q_count);
      pair_products<V>(scratch.queries + from, scratch.head_stride, rows, scratch.keys_across, keys, at.kv_count,
                       a->head_dim, scale, p, scratch.key_stride);
      ask(a->v, a->ldv, next_keys, query, rows, at.q_count);
      pair_products<V>(scratch.upstream + from, scratch.head_stride, rows, scratch.values_across, keys, at.kv_count,
                       a->head_dim, 1.0f, ds, scratch.key_stride);
      ask(a->q, a->ldq, next_queries, query, rows, at.q_count);
      for (int64_t i = 0; i < rows; ++i) {
        probability_gradient<V>(p + i * scratch.key_stride, ds + i * scratch.key_stride, at.seen(query + i, causal),
                                filled, scale);
      }
      ask(a->dy, a->lddy, next_queries, query, rows, at.q_count);
      gradient_rows<V>(ds, rows, scratch.key_stride, 1, scratch.keys, scratch.head_stride, keys,
                       a->dq + (at.q_first + query) * a->lddq + column, a->lddq, a->head_dim, false);
    }
  }

  void compute() {
    pack();
    int64_t block = gradient_block(a);
    for (int64_t first = 0; first < at.q_count; first += block) {
      int64_t last = first + block < at.q_count ? first + block : at.q_count;
      block_queries(first, last);
      block_keys(first, last);
    }
  }

  // What queries [first, last) add to dk and dv; the first block writes them.
  void block_keys(int64_t first, int64_t last) {
    int64_t hidden = at.kv_count - at.q_count;  // query i sees keys up to hidden + i
    float* dk = a->dk + at.kv_first * a->lddk + column;
    float* dv = a->dv + at.kv_first * a->lddv + column;
    RowRange next_keys = {next_at.kv_first, next_at.kv_count};
    int64_t keys = first > 0 ? at.seen(last - 1, a->causal != 0) : at.kv_count;
    for (int64_t key = 0; key < keys; key += kTileQueries) {
      int64_t rows = keys - key < kTileQueries ? keys - key : kTileQueries;
      int64_t skip =
          a->causal != 0 && key - hidden > first ? key - hidden - first : 0;  // queries that see none of these
      int64_t count = last - first > skip ? last - first - skip : 0;
      int64_t pair = skip * scratch.key_stride + key;
      int64_t from = skip * scratch.head_stride;
      ask(a->dk, a->lddk, next_keys, key, rows, at.kv_count);
      gradient_rows<V>(scratch.ds + pair, rows, 1, scratch.key_stride, scratch.queries + from, scratch.head_stride,
                       count, dk + key * a->lddk, a->lddk, a->head_dim, first > 0);
      ask(a->dv, a->lddv, next_keys, key, rows, at.kv_count);
      gradient_rows<V>(scratch.p + pair, rows, 1, scratch.key_stride, scratch.upstream + from, scratch.head_stride,
                       count, dv + key * a->lddv, a->lddv, a->head_dim, first > 0);
      ask(a->dq, a->lddq, {next_at.q_first, next_at.q_count}, key, rows, at.kv_count);
    }
  }
};

template <class V>
int32_t attention_gradient_simd(jc_context* context, const jc_attention_gradient_args* a) {
  int64_t bytes = gradient_scratch(a, V::kWidth, nullptr).bytes;
  if (int32_t status = check_attention_gradient(context, a, bytes); status != JC_OK) return status;
  zero_gradient_gaps(a);
  int64_t tasks = live_sequences(a) * a->heads;
  int64_t threads = parallel_width(context);
  if (threads > a->workspace_bytes / bytes) threads = a->workspace_bytes / bytes;
  if (tasks * a->q_tokens * a->kv_tokens * a->head_dim < 32768) threads = 1;
  int64_t chunk = tasks / (16 * threads) > 1 ? tasks / (16 * threads) : 1;  // heads one after the other
  parallel(context, threads, ceil_div(tasks, chunk), [=](int64_t index, int64_t slot) {
    float* memory = reinterpret_cast<float*>(static_cast<char*>(a->workspace) + slot * bytes);
    GradientScratch scratch = gradient_scratch(a, V::kWidth, memory);
    int64_t end = (index + 1) * chunk < tasks ? (index + 1) * chunk : tasks;
    for (int64_t task = index * chunk; task < end; ++task) {
      int64_t next = task + 1 < end ? task + 1 : task;
      HeadGradient<V> head{a,       sequence(a, task / a->heads), task % a->heads * a->head_dim,
                           scratch, sequence(a, next / a->heads), next > task ? next % a->heads * a->head_dim : -1};
      head.compute();
    }
  });
  return JC_OK;
}

}  // namespace jc
