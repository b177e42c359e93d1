#include "harness.h"

namespace test {
namespace {

struct Shape {
  int sequences, tokens, heads;
  bool causal;
  std::vector<int> lengths;  // not empty: packed, `tokens` is the largest
  int queries = 0;           // fewer queries than keys, 0: all
  int spare = 0;             // rows after the last sequence
};

struct Set {
  std::shared_ptr<Memory> qkv, y, lse;
};

struct Layout {
  std::vector<int32_t> table;
  int64_t q_rows = 0, kv_rows = 0;
};

Layout layout_of(const Shape& s) {
  Layout l;
  for (int i = 0; i < s.sequences; ++i) {
    const int kv = s.lengths.empty() ? s.tokens : s.lengths[size_t(i)], q = s.queries ? std::min(s.queries, kv) : kv;
    l.table.insert(l.table.end(), {int32_t(l.q_rows), q, int32_t(l.kv_rows), kv});
    l.q_rows += q;
    l.kv_rows += kv;
  }
  return l;
}

std::string name_of(const Shape& s, const char* type) {
  return text("%s B%d N%d H%d%s%s%s", type, s.sequences, s.tokens, s.heads, s.causal ? " causal" : "",
              s.lengths.empty() ? "" : " packed", s.queries ? text(" %d queries", s.queries).c_str() : "");
}

// The plain formula for one sequence and head; out [queries][dim], lse [queries].
template <class T>
void reference(const T* q, const T* k, const T* v, int64_t ld, int queries, int keys, int dim, double scale,
               bool causal, std::vector<double>& out, std::vector<double>& lse) {
  out.assign(size_t(queries) * size_t(dim), 0);
  lse.assign(size_t(queries), 0);
  std::vector<double> s(static_cast<size_t>(keys));
  for (int i = 0; i < queries; ++i) {
    const int seen = causal ? keys - queries + i + 1 : keys;
    double m = -INFINITY, l = 0;
    for (int j = 0; j < seen; ++j) {
      double dot = 0;
      for (int d = 0; d < dim; ++d) dot += double(value(q[i * ld + d])) * double(value(k[j * ld + d]));
      m = std::max(m, s[size_t(j)] = dot * scale);
    }
    for (int j = 0; j < seen; ++j) l += s[size_t(j)] = std::exp(s[size_t(j)] - m);
    for (int j = 0; j < seen; ++j)
      for (int d = 0; d < dim; ++d) out[size_t(i * dim + d)] += s[size_t(j)] / l * double(value(v[j * ld + d]));
    lse[size_t(i)] = m + std::log(l);
  }
}

template <class T>
Problem attention(const Shape& s, const Options& o, int dim) {
  constexpr bool kHalf = sizeof(T) == 2;
  Random random(o.seed);
  const Layout l = layout_of(s);
  const int64_t width = int64_t(s.heads) * dim, ld = 3 * width, rows = l.q_rows + s.spare;
  // q, k and v side by side as the projection leaves them; scores spread over a few units, one dominant key now and
  // then.
  std::vector<T> qkv = normals<T>(size_t(std::max(l.q_rows, l.kv_rows) * ld), 1.0, random);
  for (size_t i = 0; i < qkv.size(); i += 509) qkv[i] = stored<T>(4.0);
  Problem p;
  p.op = kHalf ? "attention_bf16" : "attention";
  p.shape = name_of(s, kHalf ? "bf16" : "fp32") + (dim == 64 ? "" : text(" D%d", dim));
  for (int i = 0; i < s.sequences; ++i) {
    const double nq = l.table[size_t(4 * i + 1)], nk = l.table[size_t(4 * i + 3)];
    p.flops += 4.0 * nq * nk * dim * s.heads;
    p.bytes += 2.0 * (nq + nk) * double(width) * sizeof(T);
  }
  const bool tabled = !s.lengths.empty() || s.queries != 0 || s.spare != 0;
  const auto table = p.input(l.table);
  const auto live = p.input(std::vector<int64_t>{s.sequences});
  std::vector<Set> sets;
  for (int i = 0; i < o.sets; ++i)
    sets.push_back({p.input(qkv), p.output<T>(size_t(rows * width), i == 0),
                    p.output<float>(size_t(rows * s.heads), i == 0 && kHalf)});
  const double scale = 1.0 / std::sqrt(double(dim));
  p.run = [=](jc_context* context, int i) {
    const Set& x = sets[size_t(i)];
    const T* q = x.qkv->at<T>();
    const int64_t capacity = s.sequences + (s.spare ? 3 : 0);  // with a live count: the table's capacity is larger
    const int64_t qt = s.queries ? s.queries : s.tokens;
    if constexpr (kHalf) {
      const jc_attention_bf16_args a{q,
                                     q + width,
                                     q + 2 * width,
                                     x.y->at<T>(),
                                     x.lse->at<float>(),
                                     tabled ? table->at<int32_t>() : nullptr,
                                     s.spare ? live->at<int64_t>() : nullptr,
                                     capacity,
                                     qt,
                                     s.tokens,
                                     rows,
                                     s.heads,
                                     ld,
                                     ld,
                                     ld,
                                     width,
                                     s.causal,
                                     scale};
      return jc_attention_bf16(context, &a);
    } else {
      const jc_attention_args a{q,
                                q + width,
                                q + 2 * width,
                                x.y->at<T>(),
                                tabled ? table->at<int32_t>() : nullptr,
                                nullptr,
                                0,
                                s.spare ? live->at<int64_t>() : nullptr,
                                capacity,
                                qt,
                                s.tokens,
                                rows,
                                s.heads,
                                dim,
                                ld,
                                ld,
                                ld,
                                width,
                                s.causal,
                                scale};
      return jc_attention(context, &a);
    }
  };
  p.compare = [=] {
    const auto y = sets[0].y->download<T>();
    const auto lse = sets[0].lse->download<float>();
    double error = 0, lse_error = 0, tail = 0;
    const int pairs = s.sequences * s.heads, step = std::max(1, pairs / 64) | 1;
    for (int pair = 0; pair<pairs; pair += pairs> 64 ? step : 1) {
      const int sequence = pair / s.heads, head = pair % s.heads;
      const int32_t* row = &l.table[size_t(sequence) * 4];
      std::vector<double> ref, ref_lse;
      reference(&qkv[size_t(row[0] * ld + head * dim)], &qkv[size_t(row[2] * ld + width + head * dim)],
                &qkv[size_t(row[2] * ld + 2 * width + head * dim)], ld, row[1], row[3], dim, scale, s.causal, ref,
                ref_lse);
      for (int tile = 0; tile < row[1]; tile += 16) {
        Distance distance;
        for (int i = tile; i < std::min(tile + 16, row[1]); ++i) {
          for (int d = 0; d < dim; ++d)
            distance.add(double(value(y[size_t((row[0] + i) * width + head * dim + d)])), ref[size_t(i * dim + d)]);
          if (kHalf) worst(lse_error, std::fabs(double(lse[size_t(head * rows + row[0] + i)]) - ref_lse[size_t(i)]));
        }
        worst(error, distance.relative());
      }
    }
    for (int64_t i = l.q_rows * width; i < rows * width; ++i) worst(tail, std::fabs(double(value(y[size_t(i)]))));
    // bf16: probabilities and results are each rounded by at most 2^-8, in the root mean square by 2^-9.2: together
    // 2.4e-3 over the 1024 values of a tile. fp32: sums of at most 577 terms.
    std::vector<Measure> m{{"y, worst tile of 16 rows", error, kHalf ? 4e-3 : 2e-6}};
    if (kHalf) m.push_back({"lse, absolute", lse_error, 1e-5});
    if (s.spare) m.push_back({"rows after the last sequence", tail, 0});
    return m;
  };
  return p;
}

std::vector<int> captions(int count) {  // the same lengths in bench/peers.py
  std::vector<int> lengths;
  uint32_t state = 12345;
  for (int i = 0; i < count; ++i) {
    state = (state * 1103515245u + 12345u) & 0x7fffffffu;
    lengths.push_back(5 + int((state >> 16) % 20));
  }
  return lengths;
}

}  // namespace

void add_attention(Cases& cases) {
  auto half = [&](Shape s, bool large, bool mutates = false) {
    cases.push_back({"attention_bf16", large, mutates, [=](const Options& o) { return attention<jc_bf16>(s, o, 64); }});
  };
  auto plain = [&](Shape s, int dim, bool large = false) {
    cases.push_back({"attention", large, false, [=](const Options& o) { return attention<float>(s, o, dim); }});
  };
  for (int n : {1, 15, 16, 17, 50, 64, 65, 77, 80}) half({2, n, 2, n % 2 == 1, {}}, false);
  half({1, 50, 3, false, {}}, false);
  half({1, 197, 1, false, {}}, false, true);
  half({1, 208, 1, true, {}}, false);
  half({1, 257, 1, false, {}}, false);
  half({1, 272, 1, true, {}}, false);
  half({1, 320, 1, true, {}}, false, true);
  half({1, 577, 1, false, {}}, false);
  half({5, 77, 5, true, {1, 16, 17, 77, 3}}, false, true);
  half({4, 40, 2, false, {33, 40, 1, 16}, 0, 7}, false);
  half({3, 100, 2, true, {90, 100, 3}, 0, 5}, false);
  half({3, 50, 2, false, {50, 50, 50}, 1}, false);
  half({2, 33, 2, true, {33, 20}, 5}, false);
  for (int n : {1, 17, 77}) plain({2, n, 2, n == 77, {}}, 64);
  plain({2, 50, 2, false, {50, 31}, 1, 4}, 32);
  plain({2, 21, 1, true, {21, 9}}, 80);
  plain({2, 40, 2, true, {40, 31}, 4}, 64);
  half({1024, 50, 12, false, {}}, true);
  half({1024, 77, 8, true, {}}, true);
  half({1024, 197, 12, false, {}}, true);
  half({256, 257, 16, false, {}}, true);
  half({256, 577, 16, false, {}}, true);
  half({8192, 24, 8, true, captions(8192)}, true);
  plain({64, 50, 12, false, {}}, 64, true);
  plain({16, 197, 12, false, {}}, 64, true);
}

}  // namespace test
