// Gradient of attention, head dimension 64, deterministic and without atomics, in the two-kernel form:
//
//   P = exp(scale q k^T - lse)      delta_i = sum_d dy_id y_id      dP = dy v^T      dS = P (dP - delta) scale
//   dv = P^T dy                     dk = dS^T q                     dq = dS k
//
//   delta    a dot product a row and head, fp32
//   keys     Q and dy of a head in shared memory; a warp owns 16 keys and walks the queries upwards. It computes S^T and dP^T, so that
//            P^T and dS^T stand where the next products' operands stand; dk and dv stay in its registers.
//   queries  K and V of a head in shared memory; a warp owns 16 queries and walks the keys upwards; dq stays in its registers.
//
// P is recomputed in both: 14 N^2 64 FLOPs a head instead of the fused form's 10 (gpu-design 2.6), which is to come.
// Data movement a head: keys reads Q, K, V, dy and writes dk, dv; queries reads the same and writes dq: 11 N 128 bytes
// against 8 fused, y and dy once more for delta. Budget: shared memory 256 N + 4 KB a warp + 8 N; 4 warps up to 208
// tokens, else 8; at most 704 tokens. No array has a run-time index.
#include "attention.cuh"

namespace jc {
namespace {

struct Arguments {
  const bf16 *q, *k, *v, *y;
  const float* lse;
  const bf16* dy;
  bf16 *dq, *dk, *dv;
  float* delta;  // [heads, rows]
  const int32_t* table;
  const int64_t* live;
  int64_t rows;
  int ldq, ldk, ldv, ldy;
  int tokens, heads;
  float scale;
};

// Eight lanes a row and head.
JC_KERNEL(256, 4) gradient_delta(const Arguments p) {
  const int64_t at = int64_t(block_x()) * 32 + (thread_id() >> 3), count = p.rows * p.heads;
  const int64_t row = at / p.heads;
  const int head = int(at % p.heads), chunk = thread_id() & 7;
  float sum = 0.f;
  if (at < count) {
    float y[8], dy[8];
    unpack(y, ldg128(p.y + row * p.ldy + head * kDim + chunk * 8));
    unpack(dy, ldg128(p.dy + row * p.ldy + head * kDim + chunk * 8));
    JC_UNROLL
    for (int e = 0; e < 8; ++e) sum = fma_(y[e], dy[e], sum);
  }
  sum += shfl_xor(sum, 1);
  sum += shfl_xor(sum, 2);
  sum += shfl_xor(sum, 4);
  if (at < count && chunk == 0) p.delta[head * p.rows + row] = sum;
}

JC_DEV void load_operands(uint32_t (&a)[4][4], uint32_t tile, int lane) {
  JC_UNROLL
  for (int step = 0; step < 4; ++step) load_a(a[step], tile, 0, step, lane);
}

template <int WARPS, int BLOCKS, bool CAUSAL>
JC_KERNEL(WARPS * 32, BLOCKS)
gradient_keys(const Arguments p, int capacity) {
  const int warp = thread_id() >> 5, lane = thread_id() & 31, head = int(block_y());
  if (p.live && int64_t(block_x()) >= *p.live) return;
  const Sequence q = sequence_of(p.table, block_x(), p.tokens, p.tokens);
  const int tiles = (q.q_count + 15) >> 4;
  if (tiles <= 0 || tiles > capacity) return;

  const uint32_t s_q = shared_base(), s_dy = s_q + uint32_t(capacity) * kTile,
                 s_stage = s_dy + uint32_t(capacity + 2 * warp) * kTile;
  const uint32_t s_lse = s_dy + uint32_t(capacity + 2 * WARPS) * kTile, s_delta = s_lse + uint32_t(capacity) * 64;
  load_rows(s_q, p.q + int64_t(q.q_first) * p.ldq + head * kDim, p.ldq, q.q_count, tiles * 16, thread_id(), WARPS * 32);
  load_rows(s_dy, p.dy + int64_t(q.q_first) * p.ldy + head * kDim, p.ldy, q.q_count, tiles * 16, thread_id(),
            WARPS * 32);
  copy_commit();
  for (int i = thread_id(); i < tiles * 16;
       i += WARPS * 32) {  // a query that does not exist gives every key the weight exp(-inf)
    const bool exists = i < q.q_count;
    const int64_t at = head * p.rows + q.q_first + i;
    sts(s_lse + 4u * uint32_t(i), exists ? p.lse[at] * kLog2e : JC_INFINITY);
    sts(s_delta + 4u * uint32_t(i), exists ? p.delta[at] : 0.f);
  }
  copy_wait<0>();
  sync_block();

  const float c = p.scale * kLog2e;
  for (int tile = warp; tile < tiles; tile += WARPS) {
    load_rows(s_stage, p.k + int64_t(q.kv_first + tile * 16) * p.ldk + head * kDim, p.ldk, q.kv_count - tile * 16, 16,
              lane, 32);
    load_rows(s_stage + kTile, p.v + int64_t(q.kv_first + tile * 16) * p.ldv + head * kDim, p.ldv,
              q.kv_count - tile * 16, 16, lane, 32);
    copy_commit();
    copy_wait<0>();
    sync_warp();
    uint32_t kf[4][4], vf[4][4];
    load_operands(kf, s_stage, lane);
    load_operands(vf, s_stage + kTile, lane);
    float dk[8][4] = {}, dv[8][4] = {};
    for (int j = CAUSAL ? tile : 0; j < tiles; ++j) {
      float s[2][4], d[2][4];  // rows keys, columns queries
      dot_products(s[0], s[1], kf, s_q, j, lane);
      dot_products(d[0], d[1], vf, s_dy, j, lane);
      JC_UNROLL
      for (int h = 0; h < 2; ++h) JC_UNROLL
      for (int e = 0; e < 2; ++e) {
        const int query = j * 16 + h * 8 + (lane & 3) * 2 + e;
        const float lse = lds_f32(s_lse + 4u * uint32_t(query)), delta = lds_f32(s_delta + 4u * uint32_t(query));
        JC_UNROLL
        for (int r = 0; r < 2; ++r) {
          const int key = tile * 16 + (lane >> 2) + r * 8;
          float weight = ex2(fma_(s[h][r * 2 + e], c, -lse));
          if (CAUSAL && key > query) weight = 0.f;
          s[h][r * 2 + e] = weight;
          d[h][r * 2 + e] = weight * (d[h][r * 2 + e] - delta) * p.scale;
        }
      }
      accumulate(dv, s[0], s[1], s_dy, j, lane);
      accumulate(dk, d[0], d[1], s_q, j, lane);
    }
    sync_warp();  // every lane has read its keys and values
    store_tile(s_stage, dk, 1.f, 1.f, lane);
    store_tile(s_stage + kTile, dv, 1.f, 1.f, lane);
    sync_warp();
    copy_out(p.dk + int64_t(q.kv_first) * p.ldk + head * kDim, p.ldk, s_stage, tile * 16, q.kv_count, lane);
    copy_out(p.dv + int64_t(q.kv_first) * p.ldv + head * kDim, p.ldv, s_stage + kTile, tile * 16, q.kv_count, lane);
    // The next tile's copies go to the chunks that this lane has just read.
  }
}

template <int WARPS, int BLOCKS, bool CAUSAL>
JC_KERNEL(WARPS * 32, BLOCKS)
gradient_queries(const Arguments p, int capacity) {
  const int warp = thread_id() >> 5, lane = thread_id() & 31, head = int(block_y());
  if (p.live && int64_t(block_x()) >= *p.live) return;
  const Sequence q = sequence_of(p.table, block_x(), p.tokens, p.tokens);
  const int tiles = (q.q_count + 15) >> 4;
  if (tiles <= 0 || tiles > capacity) return;

  const uint32_t s_k = shared_base(), s_v = s_k + uint32_t(capacity) * kTile,
                 s_stage = s_v + uint32_t(capacity + 2 * warp) * kTile;
  load_rows(s_k, p.k + int64_t(q.kv_first) * p.ldk + head * kDim, p.ldk, q.kv_count, tiles * 16, thread_id(),
            WARPS * 32);
  load_rows(s_v, p.v + int64_t(q.kv_first) * p.ldv + head * kDim, p.ldv, q.kv_count, tiles * 16, thread_id(),
            WARPS * 32);
  copy_commit();
  copy_wait<0>();
  sync_block();

  const float c = p.scale * kLog2e;
  for (int tile = warp; tile < tiles; tile += WARPS) {
    load_rows(s_stage, p.q + int64_t(q.q_first + tile * 16) * p.ldq + head * kDim, p.ldq, q.q_count - tile * 16, 16,
              lane, 32);
    load_rows(s_stage + kTile, p.dy + int64_t(q.q_first + tile * 16) * p.ldy + head * kDim, p.ldy,
              q.q_count - tile * 16, 16, lane, 32);
    copy_commit();
    float lse[2], delta[2];
    JC_UNROLL
    for (int r = 0; r < 2; ++r) {
      const int query = tile * 16 + (lane >> 2) + r * 8;
      const int64_t at = head * p.rows + q.q_first + query;
      lse[r] = query < q.q_count ? p.lse[at] * kLog2e : JC_INFINITY;
      delta[r] = query < q.q_count ? p.delta[at] : 0.f;
    }
    copy_wait<0>();
    sync_warp();
    uint32_t qf[4][4], df[4][4];
    load_operands(qf, s_stage, lane);
    load_operands(df, s_stage + kTile, lane);
    float dq[8][4] = {};
    const int end = CAUSAL ? tile + 1 : tiles;
    for (int j = 0; j < end; ++j) {
      float s[2][4], d[2][4];  // rows queries, columns keys
      dot_products(s[0], s[1], qf, s_k, j, lane);
      dot_products(d[0], d[1], df, s_v, j, lane);
      JC_UNROLL
      for (int h = 0; h < 2; ++h) JC_UNROLL
      for (int e = 0; e < 4; ++e) {
        const int key = j * 16 + h * 8 + (lane & 3) * 2 + (e & 1), query = tile * 16 + (lane >> 2) + (e >> 1) * 8;
        float weight = ex2(fma_(s[h][e], c, -lse[e >> 1]));
        if (key >= q.kv_count || (CAUSAL && key > query)) weight = 0.f;
        d[h][e] = weight * (d[h][e] - delta[e >> 1]) * p.scale;
      }
      accumulate(dq, d[0], d[1], s_k, j, lane);
    }
    sync_warp();  // every lane has read its queries
    store_tile(s_stage, dq, 1.f, 1.f, lane);
    sync_warp();
    copy_out(p.dq + int64_t(q.q_first) * p.ldq + head * kDim, p.ldq, s_stage, tile * 16, q.q_count, lane);
  }
}

// Rows after the last live sequence of an ascending table become zeros.
JC_KERNEL(256, 4) gradient_clear(const Arguments p, int64_t sequences) {
  const int64_t live = p.live ? *p.live : sequences;
  int64_t first = 0;
  if (live > 0) {
    const Sequence last = sequence_of(p.table, unsigned(live - 1), p.tokens, p.tokens);
    first = last.q_first + last.q_count;
  }
  const uint4 zero{0, 0, 0, 0};
  for (int64_t row = first + block_x(); row < p.rows; row += grid_x())
    for (int i = thread_id(); i < p.heads * kDim / 8; i += 256) {
      stg128(p.dq + row * p.ldq + i * 8, zero);
      stg128(p.dk + row * p.ldk + i * 8, zero);
      stg128(p.dv + row * p.ldv + i * 8, zero);
    }
}

template <int WARPS>
constexpr uint32_t shared_bytes(int capacity) {
  return uint32_t(2 * capacity + 2 * WARPS) * kTile + uint32_t(capacity) * 128;
}

template <int WARPS, int BLOCKS, bool CAUSAL>
int32_t launch_both(const Arguments& p, int64_t sequences, Stream stream) {
  const int capacity = (p.tokens + 15) / 16;
  const dim3 grid(unsigned(sequences), unsigned(p.heads));
  const int32_t e = launch(gradient_keys<WARPS, BLOCKS, CAUSAL>, grid, WARPS * 32, shared_bytes<WARPS>(capacity),
                           stream, p, capacity);
  return e ? e
           : launch(gradient_queries<WARPS, BLOCKS, CAUSAL>, grid, WARPS * 32, shared_bytes<WARPS>(capacity), stream, p,
                    capacity);
}

constexpr int64_t kMostTokens = 704;
static_assert(shared_bytes<8>(kMostTokens / 16) <= 227 * 1024);

}  // namespace
}  // namespace jc

extern "C" int32_t jc_attention_gradient_bf16(jc_context* context, const jc_attention_gradient_bf16_args* a) {
  using namespace jc;
  if (a->sequences < 0 || a->rows < 0 || a->rows > 0x7fffffff || a->heads < 1 || a->heads > 65535 || a->tokens < 1)
    return fail(context, JC_INVALID, "jc_attention_gradient_bf16: sequences %lld, rows %lld, heads %lld, tokens %lld",
                (long long)a->sequences, (long long)a->rows, (long long)a->heads, (long long)a->tokens);
  if (a->tokens > kMostTokens || a->rows > int64_t(0x7fffffff) * 32 / a->heads)
    return fail(context, JC_UNSUPPORTED, "jc_attention_gradient_bf16: %lld tokens a sequence, at most %lld",
                (long long)a->tokens, (long long)kMostTokens);
  if (!aligned(a->q) || !aligned(a->k) || !aligned(a->v) || !aligned(a->y) || !aligned(a->dy) || !aligned(a->dq) ||
      !aligned(a->dk) || !aligned(a->dv) || (a->ldq | a->ldk | a->ldv | a->ldy) % 8)
    return fail(context, JC_INVALID,
                "jc_attention_gradient_bf16: pointers must be multiples of 16 bytes, row strides of 8");
  if (((a->ldq | a->ldk | a->ldv | a->ldy) & ~int64_t(0xfffff)) != 0)
    return fail(context, JC_UNSUPPORTED, "jc_attention_gradient_bf16: a row stride is negative or above 1048575");
  if (!a->table && a->sequences * a->tokens > a->rows)
    return fail(context, JC_INVALID, "jc_attention_gradient_bf16: %lld sequences of %lld tokens in %lld rows",
                (long long)a->sequences, (long long)a->tokens, (long long)a->rows);
  if (a->workspace_bytes < 4 * a->heads * a->rows)
    return fail(context, JC_INVALID, "jc_attention_gradient_bf16: workspace of %lld bytes, needs %lld",
                (long long)a->workspace_bytes, (long long)(4 * a->heads * a->rows));
  if (a->rows == 0) return JC_OK;
  const Arguments p{a->q,        a->k,        a->v,           a->y,          a->lse,
                    a->dy,       a->dq,       a->dk,          a->dv,         static_cast<float*>(a->workspace),
                    a->table,    a->live,     a->rows,        int(a->ldq),   int(a->ldk),
                    int(a->ldv), int(a->ldy), int(a->tokens), int(a->heads), float(a->scale)};
  const Stream stream = stream_of(context);
  int32_t e = launch(gradient_delta, dim3(unsigned((a->rows * a->heads + 31) / 32)), 256, 0, stream, p);
  if (!e && (a->table || a->live || a->sequences * a->tokens < a->rows))
    e = launch(gradient_clear, dim3(64), 256, 0, stream, p, a->sequences);
  if (!e && a->sequences > 0) {
    const bool causal = a->causal != 0;
    if (a->tokens <= 208)
      e = causal ? launch_both<4, 3, true>(p, a->sequences, stream) : launch_both<4, 3, false>(p, a->sequences, stream);
    else
      e = causal ? launch_both<8, 1, true>(p, a->sequences, stream) : launch_both<8, 1, false>(p, a->sequences, stream);
  }
  return launched(context, e, "jc_attention_gradient_bf16");
}
