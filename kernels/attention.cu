// Attention forward:  y = softmax(scale q k^T) v,  lse = log sum exp(scale q k), for each (sequence, head).
//
// bf16, head dimension 64. K and V of one head lie in shared memory; a warp takes 16 queries at a time.
//
//   rows    at most 272 keys: a warp holds the whole score row of its 16 queries in registers, so the maximum is exact, every score is
//           exponentiated once and nothing is rescaled. Data movement: Q, K, V read once, y written once (4 N 128 bytes a head).
//   packed  the same, but each warp has a (sequence, head) of its own: captions of 5 to 77 tokens leave no warp idle and no one waits
//           at a block barrier.
//   long    more keys, as many as shared memory holds (832): 64 keys at a time with a running maximum.
//
//            keys    warps  registers   shared memory   blocks an SM   floor (gpu-design 1.2)
//   rows    <=  64     4       96          24 KB             5         memory: 4 N 128 B a head
//           <=  80     5       96          30 KB             4         memory
//           <= 208     4      168          60 KB             3         memory, if exponentials and products overlap
//           <= 272     4      230          76 KB             2         memory and products alike
//   packed  <=  80     4      125          88 KB             2         memory
//   long    <= 832     8      174       <= 227 KB            1         products
//
// Registers are the compiler's limit for the blocks an SM; budgets.txt has what it used. The register file is dealt out
// per scheduler, so warps come in fours where the score row is long.
//
// fp32, any head dimension up to 256: a warp a query, plain FMAs and the accurate exponential. For parity, not for
// speed.
#include "attention.cuh"

namespace jc {
namespace {

struct Arguments {
  const bf16 *q, *k, *v;
  bf16* y;
  float* lse;
  const int32_t* table;
  const int64_t* live;
  int64_t rows;
  int ldq, ldk, ldv, ldy;
  int q_tokens, kv_tokens, heads;
  float scale;
};

JC_DEV void load_queries(const Arguments& p, const Sequence& q, int head, int tile, uint32_t s_stage, int lane) {
  load_rows(s_stage, p.q + int64_t(q.q_first + tile * 16) * p.ldq + head * kDim, p.ldq, q.q_count - tile * 16, 16, lane,
            32);
}

// Scores of keys that a query must not see become -inf. `sees`: the last key that query row 0 of the tile sees when
// causal.
template <bool CAUSAL>
JC_DEV void mask(float (&s)[4], int first_key, int kv_count, int sees, int lane) {
  JC_UNROLL
  for (int e = 0; e < 4; ++e) {
    const int key = first_key + (lane & 3) * 2 + (e & 1);
    if (key >= kv_count || (CAUSAL && key > sees + (lane >> 2) + (e >> 1) * 8)) s[e] = -JC_INFINITY;
  }
}

// s becomes exp(scale (s - maximum)), l grows by the row sums of the unrounded probabilities.
JC_DEV void exponentiate(float (&s)[4], float c, float mc0, float mc1, float& l0, float& l1) {
  s[0] = ex2(fma_(s[0], c, -mc0));
  s[1] = ex2(fma_(s[1], c, -mc0));
  s[2] = ex2(fma_(s[2], c, -mc1));
  s[3] = ex2(fma_(s[3], c, -mc1));
  l0 += s[0] + s[1];
  l1 += s[2] + s[3];
}

// Writes the 16 queries of a tile: through the warp's staging tile, so that a row leaves in 16-byte pieces.
JC_DEV void finish(const Arguments& p, const Sequence& q, int head, int tile, uint32_t s_stage, float (&o)[8][4],
                   float m0, float m1, float l0, float l1, int lane) {
  const int g = lane >> 2, t = lane & 3, row0 = tile * 16 + g, row1 = row0 + 8;
  if (p.lse && t == 0) {
    float* lse = p.lse + size_t(head) * p.rows + q.q_first;
    if (row0 < q.q_count) lse[row0] = fma_(m0, p.scale, log_(l0));
    if (row1 < q.q_count) lse[row1] = fma_(m1, p.scale, log_(l1));
  }
  const float i0 = 1.f / l0, i1 = 1.f / l1;
  sync_warp();  // every lane has read its queries from the staging tile
  store_tile(s_stage, o, i0, i1, lane);
  sync_warp();
  copy_out(p.y + int64_t(q.q_first) * p.ldy + head * kDim, p.ldy, s_stage, tile * 16, q.q_count, lane);
  // The next tile's queries may overwrite the staging tile at once: each lane copies into the very chunks that it has
  // just read.
}

// CHUNKS: chunks of 16 keys held in registers. PER_WARP: each warp has its own head instead of one for the block.
template <int CHUNKS, int WARPS, int BLOCKS, bool CAUSAL, bool PER_WARP>
JC_KERNEL(WARPS * 32, BLOCKS)
attention_rows(const Arguments p) {
  constexpr int kTeam = PER_WARP ? 1 : WARPS;  // warps that share a head
  constexpr uint32_t kTeamBytes = (2 * CHUNKS + kTeam) * kTile;
  const int warp = thread_id() >> 5, lane = thread_id() & 31;
  const int member = PER_WARP ? 0 : warp, head = PER_WARP ? int(block_y()) * WARPS + warp : int(block_y());
  if (p.live && int64_t(block_x()) >= *p.live) return;
  if (PER_WARP && head >= p.heads) return;
  const Sequence q = sequence_of(p.table, block_x(), p.q_tokens, p.kv_tokens);
  const int tiles = (q.q_count + 15) >> 4, chunks = (q.kv_count + 15) >> 4;
  if (tiles <= 0 || chunks > CHUNKS) return;

  const uint32_t s_k = shared_base() + (PER_WARP ? uint32_t(warp) * kTeamBytes : 0u), s_v = s_k + CHUNKS * kTile;
  const uint32_t s_stage = s_v + CHUNKS * kTile + uint32_t(member) * kTile;
  const int team_thread = PER_WARP ? lane : thread_id();
  load_rows(s_k, p.k + int64_t(q.kv_first) * p.ldk + head * kDim, p.ldk, q.kv_count, chunks * 16, team_thread,
            kTeam * 32);
  load_rows(s_v, p.v + int64_t(q.kv_first) * p.ldv + head * kDim, p.ldv, q.kv_count, chunks * 16, team_thread,
            kTeam * 32);
  if (member < tiles) load_queries(p, q, head, member, s_stage, lane);
  copy_commit();
  copy_wait<0>();
  if (PER_WARP)
    sync_warp();
  else
    sync_block();

  const float c = p.scale * kLog2e;
  for (int tile = member; tile < tiles; tile += kTeam) {
    if (kTeam < CHUNKS && tile != member) {
      load_queries(p, q, head, tile, s_stage, lane);
      copy_commit();
      copy_wait<0>();
      sync_warp();
    }
    uint32_t qf[4][4];
    JC_UNROLL
    for (int step = 0; step < 4; ++step) load_a(qf[step], s_stage, 0, step, lane);

    const int sees = q.kv_count - q.q_count + tile * 16;
    const int visible = CAUSAL && (sees + 15) / 16 + 1 < chunks ? (sees + 15) / 16 + 1 : chunks;
    float s[2 * CHUNKS][4];
    float m0 = -JC_INFINITY, m1 = -JC_INFINITY;  // of rows g and g + 8
    JC_UNROLL
    for (int j = 0; j < CHUNKS; ++j) {
      if (j >= visible) continue;
      dot_products(s[2 * j], s[2 * j + 1], qf, s_k, j, lane);
      if (j * 16 + 16 > q.kv_count || (CAUSAL && j * 16 + 15 > sees)) {
        mask<CAUSAL>(s[2 * j], j * 16, q.kv_count, sees, lane);
        mask<CAUSAL>(s[2 * j + 1], j * 16 + 8, q.kv_count, sees, lane);
      }
      JC_UNROLL
      for (int h = 0; h < 2; ++h) {
        m0 = max_(m0, max_(s[2 * j + h][0], s[2 * j + h][1]));
        m1 = max_(m1, max_(s[2 * j + h][2], s[2 * j + h][3]));
      }
    }
    m0 = quad_max(m0);
    m1 = quad_max(m1);

    float o[8][4] = {};
    float l0 = 0.f, l1 = 0.f;
    JC_UNROLL
    for (int j = 0; j < CHUNKS; ++j) {
      if (j >= visible) continue;
      exponentiate(s[2 * j], c, m0 * c, m1 * c, l0, l1);
      exponentiate(s[2 * j + 1], c, m0 * c, m1 * c, l0, l1);
      accumulate(o, s[2 * j], s[2 * j + 1], s_v, j, lane);
    }
    finish(p, q, head, tile, s_stage, o, m0, m1, quad_sum(l0), quad_sum(l1), lane);
    if (kTeam >= CHUNKS) break;  // there is no second tile for this warp: lets the compiler drop the loop
  }
}

// 64 keys at a time; the sums so far are rescaled when the maximum grows. capacity: chunks of 16 keys that shared
// memory holds.
template <int WARPS, bool CAUSAL>
JC_KERNEL(WARPS * 32, 1)
attention_long(const Arguments p, int capacity) {
  const int warp = thread_id() >> 5, lane = thread_id() & 31, head = int(block_y());
  if (p.live && int64_t(block_x()) >= *p.live) return;
  const Sequence q = sequence_of(p.table, block_x(), p.q_tokens, p.kv_tokens);
  const int tiles = (q.q_count + 15) >> 4, chunks = (q.kv_count + 63) >> 6 << 2;
  if (tiles <= 0 || chunks > capacity) return;

  const uint32_t s_k = shared_base(), s_v = s_k + uint32_t(capacity) * kTile,
                 s_stage = s_v + uint32_t(capacity + warp) * kTile;
  load_rows(s_k, p.k + int64_t(q.kv_first) * p.ldk + head * kDim, p.ldk, q.kv_count, chunks * 16, thread_id(),
            WARPS * 32);
  load_rows(s_v, p.v + int64_t(q.kv_first) * p.ldv + head * kDim, p.ldv, q.kv_count, chunks * 16, thread_id(),
            WARPS * 32);
  copy_commit();
  copy_wait<0>();
  sync_block();

  const float c = p.scale * kLog2e;
  for (int tile = warp; tile < tiles; tile += WARPS) {
    load_queries(p, q, head, tile, s_stage, lane);
    copy_commit();
    copy_wait<0>();
    sync_warp();
    uint32_t qf[4][4];
    JC_UNROLL
    for (int step = 0; step < 4; ++step) load_a(qf[step], s_stage, 0, step, lane);

    const int sees = q.kv_count - q.q_count + tile * 16;
    float o[8][4] = {};
    float m0 = -JC_INFINITY, m1 = -JC_INFINITY, l0 = 0.f, l1 = 0.f;
    for (int first = 0; first < chunks && (!CAUSAL || first * 16 <= sees + 15); first += 4) {
      float s[8][4];
      float n0 = m0, n1 = m1;
      JC_UNROLL
      for (int j = 0; j < 4; ++j) {
        dot_products(s[2 * j], s[2 * j + 1], qf, s_k, first + j, lane);
        const int key = (first + j) * 16;
        if (key + 16 > q.kv_count || (CAUSAL && key + 15 > sees)) {
          mask<CAUSAL>(s[2 * j], key, q.kv_count, sees, lane);
          mask<CAUSAL>(s[2 * j + 1], key + 8, q.kv_count, sees, lane);
        }
        JC_UNROLL
        for (int h = 0; h < 2; ++h) {
          n0 = max_(n0, max_(s[2 * j + h][0], s[2 * j + h][1]));
          n1 = max_(n1, max_(s[2 * j + h][2], s[2 * j + h][3]));
        }
      }
      // Every query sees key 0, so n is finite from the first step on; there m is -inf and the factor 0.
      n0 = quad_max(n0);
      n1 = quad_max(n1);
      const float r0 = ex2((m0 - n0) * c), r1 = ex2((m1 - n1) * c);
      m0 = n0, m1 = n1;
      l0 *= r0, l1 *= r1;
      JC_UNROLL
      for (int n = 0; n < 8; ++n) o[n][0] *= r0, o[n][1] *= r0, o[n][2] *= r1, o[n][3] *= r1;
      JC_UNROLL
      for (int j = 0; j < 4; ++j) {
        exponentiate(s[2 * j], c, m0 * c, m1 * c, l0, l1);
        exponentiate(s[2 * j + 1], c, m0 * c, m1 * c, l0, l1);
        accumulate(o, s[2 * j], s[2 * j + 1], s_v, first + j, lane);
      }
    }
    finish(p, q, head, tile, s_stage, o, m0, m1, quad_sum(l0), quad_sum(l1), lane);
  }
}

// Rows after the last live sequence of an ascending table become zeros.
JC_KERNEL(256, 4) attention_clear(const Arguments p, int64_t sequences) {
  const int64_t live = p.live ? *p.live : sequences;
  int64_t first = 0;
  if (live > 0) {
    const Sequence last = sequence_of(p.table, unsigned(live - 1), p.q_tokens, p.kv_tokens);
    first = last.q_first + last.q_count;
  }
  const int chunks = p.heads * kDim / 8;
  for (int64_t row = first + block_x(); row < p.rows; row += grid_x()) {
    for (int i = thread_id(); i < chunks; i += 256) stg128(p.y + row * p.ldy + i * 8, uint4{0, 0, 0, 0});
    if (p.lse)
      for (int h = thread_id(); h < p.heads; h += 256) p.lse[size_t(h) * p.rows + row] = 0.f;
  }
}

template <int CHUNKS, int WARPS, int BLOCKS, bool PER_WARP>
int32_t launch_rows(const Arguments& p, int64_t sequences, bool causal, Stream stream) {
  const dim3 grid(unsigned(sequences), unsigned(PER_WARP ? (p.heads + WARPS - 1) / WARPS : p.heads));
  const uint32_t shared = (PER_WARP ? WARPS * (2 * CHUNKS + 1) : 2 * CHUNKS + WARPS) * kTile;
  return causal ? launch(attention_rows<CHUNKS, WARPS, BLOCKS, true, PER_WARP>, grid, WARPS * 32, shared, stream, p)
                : launch(attention_rows<CHUNKS, WARPS, BLOCKS, false, PER_WARP>, grid, WARPS * 32, shared, stream, p);
}

constexpr int kLongWarps = 8;
constexpr int64_t kLongKeys = (227 * 1024 / int(kTile) - kLongWarps) / 8 * 64;  // whole steps of 64 keys

int32_t launch_long(const Arguments& p, int64_t sequences, bool causal, Stream stream) {
  const int capacity = (p.kv_tokens + 63) / 64 * 4;
  const dim3 grid(unsigned(sequences), unsigned(p.heads));
  const uint32_t shared = uint32_t(2 * capacity + kLongWarps) * kTile;
  return causal ? launch(attention_long<kLongWarps, true>, grid, kLongWarps * 32, shared, stream, p, capacity)
                : launch(attention_long<kLongWarps, false>, grid, kLongWarps * 32, shared, stream, p, capacity);
}

// ---- fp32 ----

struct PlainArguments {
  const float *q, *k, *v;
  float* y;
  const int32_t* table;
  const int64_t* live;
  int64_t rows, ldq, ldk, ldv, ldy;
  int q_tokens, kv_tokens, heads, dim;
  float scale;
  bool causal;
};

constexpr int kPlainWarps = 4;

JC_KERNEL(256, 4) attention_plain_clear(const PlainArguments p) {
  for (int64_t row = block_x(); row < p.rows; row += grid_x())
    for (int i = thread_id(); i < p.heads * p.dim; i += 256) p.y[row * p.ldy + i] = 0.f;
}

// A warp a query: lanes take every 32nd key for the scores, then every 32nd dimension for the result.
JC_KERNEL(kPlainWarps * 32, 4) attention_plain(const PlainArguments p) {
  const int warp = thread_id() >> 5, lane = thread_id() & 31;
  if (p.live && int64_t(block_x()) >= *p.live) return;
  int64_t q_first = int64_t(block_x()) * p.q_tokens, kv_first = int64_t(block_x()) * p.kv_tokens;
  int q_count = p.q_tokens, kv_count = p.kv_tokens;
  if (p.table) {
    const int32_t* row = p.table + size_t(block_x()) * 4;
    q_first = row[0], q_count = row[1], kv_first = row[2], kv_count = row[3];
  }
  if (kv_count > p.kv_tokens) return;
  const int head = int(block_y());
  const uint32_t s_p = shared_base() + uint32_t(warp * p.kv_tokens) * 4;
  for (int query = warp; query < q_count; query += kPlainWarps) {
    const float* q = p.q + (q_first + query) * p.ldq + head * p.dim;
    const int seen = p.causal ? kv_count - q_count + query + 1 : kv_count;
    float m = -JC_INFINITY, l = 0.f;
    sync_warp();  // the previous query's probabilities have been read
    for (int j = lane; j < seen; j += 32) {
      const float* k = p.k + (kv_first + j) * p.ldk + head * p.dim;
      float s = 0.f;
      for (int d = 0; d < p.dim; ++d) s = fma_(q[d], k[d], s);
      s *= p.scale;
      sts(s_p + uint32_t(j) * 4, s);
      m = max_(m, s);
    }
    m = warp_max(m);
    for (int j = lane; j < seen; j += 32) {
      const float e = exp_(lds_f32(s_p + uint32_t(j) * 4) - m);
      sts(s_p + uint32_t(j) * 4, e);
      l += e;
    }
    l = warp_sum(l);
    sync_warp();
    for (int d = lane; d < p.dim; d += 32) {
      const float* v = p.v + kv_first * p.ldv + head * p.dim + d;
      float o = 0.f;
      for (int j = 0; j < seen; ++j) o = fma_(lds_f32(s_p + uint32_t(j) * 4), v[j * p.ldv], o);
      p.y[(q_first + query) * p.ldy + head * p.dim + d] = o / l;
    }
  }
}

}  // namespace
}  // namespace jc

extern "C" int32_t jc_attention_bf16(jc_context* context, const jc_attention_bf16_args* a) {
  using namespace jc;
  if (a->sequences < 0 || a->rows < 0 || a->rows > 0x7fffffff || a->heads < 1 || a->heads > 65535 || a->q_tokens < 1 ||
      a->kv_tokens < a->q_tokens)
    return fail(context, JC_INVALID, "jc_attention_bf16: sequences %lld, heads %lld, q_tokens %lld, kv_tokens %lld",
                (long long)a->sequences, (long long)a->heads, (long long)a->q_tokens, (long long)a->kv_tokens);
  if (a->kv_tokens > kLongKeys)
    return fail(context, JC_UNSUPPORTED, "jc_attention_bf16: %lld keys a sequence, at most %lld",
                (long long)a->kv_tokens, (long long)kLongKeys);
  if (!aligned(a->q) || !aligned(a->k) || !aligned(a->v) || !aligned(a->y) || (a->ldq | a->ldk | a->ldv | a->ldy) % 8)
    return fail(context, JC_INVALID, "jc_attention_bf16: pointers must be multiples of 16 bytes, row strides of 8");
  if (((a->ldq | a->ldk | a->ldv | a->ldy) & ~int64_t(0xfffff)) != 0)  // so that offsets inside a sequence fit 32 bits
    return fail(context, JC_UNSUPPORTED, "jc_attention_bf16: a row stride is negative or above 1048575");
  if (!a->table && a->sequences * a->q_tokens > a->rows)
    return fail(context, JC_INVALID, "jc_attention_bf16: %lld sequences of %lld queries in %lld rows",
                (long long)a->sequences, (long long)a->q_tokens, (long long)a->rows);
  const Arguments p{
      a->q,          a->k,           a->v,        a->y,        a->lse,      a->table,         a->live,
      a->rows,       int(a->ldq),    int(a->ldk), int(a->ldv), int(a->ldy), int(a->q_tokens), int(a->kv_tokens),
      int(a->heads), float(a->scale)};
  const Stream stream = stream_of(context);
  int32_t status = JC_OK;
  if (a->rows > 0 && (a->table || a->live || a->sequences * a->q_tokens < a->rows))
    status = launch(attention_clear, dim3(64), 256, 0, stream, p, a->sequences);
  if (status != JC_OK || a->sequences == 0) return launched(context, status, "jc_attention_bf16");
  const bool causal = a->causal != 0;
  if (a->kv_tokens <= 80 && a->table)
    status = launch_rows<5, 4, 2, true>(p, a->sequences, causal, stream);
  else if (a->kv_tokens <= 64)
    status = launch_rows<4, 4, 5, false>(p, a->sequences, causal, stream);
  else if (a->kv_tokens <= 80)
    status = launch_rows<5, 5, 4, false>(p, a->sequences, causal, stream);
  else if (a->kv_tokens <= 208)
    status = launch_rows<13, 4, 3, false>(p, a->sequences, causal, stream);
  else if (a->kv_tokens <= 272)
    status = launch_rows<17, 4, 2, false>(p, a->sequences, causal, stream);
  else
    status = launch_long(p, a->sequences, causal, stream);
  return launched(context, status, "jc_attention_bf16");
}

extern "C" int32_t jc_attention(jc_context* context, const jc_attention_args* a) {
  using namespace jc;
  if (a->sequences < 0 || a->sequences > 0x7fffffff || a->heads < 1 || a->heads > 65535 || a->head_dim < 1 ||
      a->head_dim > 4096 || a->q_tokens < 1 || a->kv_tokens < a->q_tokens)
    return fail(context, JC_INVALID,
                "jc_attention: sequences %lld, heads %lld, head_dim %lld, q_tokens %lld, kv_tokens %lld",
                (long long)a->sequences, (long long)a->heads, (long long)a->head_dim, (long long)a->q_tokens,
                (long long)a->kv_tokens);
  const int64_t shared = kPlainWarps * 4 * a->kv_tokens;
  if (shared > 227 * 1024)
    return fail(context, JC_UNSUPPORTED, "jc_attention: %lld keys a sequence, at most 14528", (long long)a->kv_tokens);
  const PlainArguments p{a->q,
                         a->k,
                         a->v,
                         a->y,
                         a->table,
                         a->live,
                         a->rows,
                         a->ldq,
                         a->ldk,
                         a->ldv,
                         a->ldy,
                         int(a->q_tokens),
                         int(a->kv_tokens),
                         int(a->heads),
                         int(a->head_dim),
                         float(a->scale),
                         a->causal != 0};
  const Stream stream = stream_of(context);
  int32_t status = JC_OK;
  if (a->rows > 0 && (a->table || a->live || a->sequences * a->q_tokens < a->rows))
    status = launch(attention_plain_clear, dim3(1024), 256, 0, stream, p);
  if (status == JC_OK && a->sequences > 0)
    status = launch(attention_plain, dim3(unsigned(a->sequences), unsigned(a->heads)), kPlainWarps * 32,
                    uint32_t(shared), stream, p);
  return launched(context, status, "jc_attention");
}

extern "C" int64_t jc_attention_workspace(const jc_context*, const jc_attention_args*) { return 0; }
