import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { derive, run, type TinyModel } from "../support/tiny-model.ts";
let seed=1; const rnd=()=>{seed=(seed*1103515245+12345)%2147483648;return seed/2147483648;};
const int=(a:number,b:number)=>a+Math.floor(rnd()*(b-a+1));
const size=(d:readonly number[])=>d.reduce((a,b)=>a*b,1);
const f=(dims:readonly number[])=>new ort.Tensor("float32",Float32Array.from({length:size(dims)},()=>rnd()*2-1),dims);
const dot=(a:ort.Tensor,b:ort.Tensor)=>(a.data as Float32Array).reduce((s,v,i)=>s+v*(b.data as Float32Array)[i]!,0);
async function linear(m:TinyModel, extra:Record<string,ort.Tensor>={}){
  const d=await derive(m,["x"]);
  const x=f(m.inputs.x!.dims);
  const ydims=d.types.get("y")!.dims; const dy=f(ydims);
  const r=await run(d,{x,y_grad:dy,...extra}); const z=await run(d,{x:new ort.Tensor("float32",new Float32Array(x.size),x.dims),y_grad:dy,...extra});
  const lhs=dot(dy,r.y!)-dot(dy,z.y!), rhs=dot(x,r.x_grad!);
  expect(Math.abs(lhs-rhs),JSON.stringify(m).slice(0,600)).toBeLessThan(1e-3*(1+Math.abs(lhs)));
  return d;
}
const ints=(data:number[])=>({dtype:"int64" as const,dims:[data.length],data});
it("slice",async()=>{ for(let k=0;k<150;k++){ const dims=[int(1,4),int(1,6),int(1,7)];
  const s=[0,1,2].map(()=>int(-9,9)),e=[0,1,2].map(()=>int(-9,9)),st=[0,1,2].map(()=>[1,2,3,-1,-2,-3][int(0,5)]!);
  try{ await linear({opset:[10,13,17][k%3],inputs:{x:{dims}},constants:{s:ints(s),e:ints(e),a:ints([0,1,2]),t:ints(st)},nodes:[["Slice",["x","s","e","a","t"],"y"]]}); }
  catch(err){ console.log(dims,s,e,st,String(err).slice(0,200)); throw err; } }});
it("pad",async()=>{ for(let k=0;k<150;k++){ const mode=["constant","edge","reflect","wrap"][k%4]!; const dims=[int(3,4),int(3,6)];
  const p=[0,1,2,3].map(()=>int(-1,2)); if(mode==="reflect"){dims[0]!+=2;dims[1]!+=2;} const wide=k%8>4;
  if(wide&&mode==="edge")p[1]=7; if(mode==="wrap"){dims[0]!+=2;dims[1]!+=2;}
  await linear({opset:mode==="wrap"?19:[10,13,18][k%3],inputs:{x:{dims}},...( (mode!=="wrap"&&k%3===0)?{nodes:[["Pad",["x"],"y",{mode,pads:p}]]}:{constants:{p:ints(p)},nodes:[["Pad",["x","p"],"y",{mode}]]})} as TinyModel);
 }});
it("gather",async()=>{ for(let k=0;k<60;k++){ const n=int(2,9),K=int(1,12); const big=k%5===0; const N=big?700:n, KK=big?600:K; const dims=[2,N,3]; const axis=1;
  const idx=Array.from({length:KK},()=>int(-N,N-1)); const u=[...new Set(idx.map(i=>(i+N)%N))];
  const opset=[16,17,21][k%3]!;
  await linear({opset,inputs:{x:{dims}},constants:{i:ints(idx)},nodes:[["Gather",["x","i"],"y",{axis}]]});
  await linear({opset:[11,13,15][k%3]!,inputs:{x:{dims}},constants:{i:ints(u)},nodes:[["Gather",["x","i"],"y",{axis}]]});
  const t=new ort.Tensor("int64",BigInt64Array.from(idx.map(BigInt)),[KK]);
  await linear({opset,inputs:{x:{dims},i:{dtype:"int64",dims:[KK]}},nodes:[["Gather",["x","i"],"y",{axis}]]},{i:t});
  const t32=new ort.Tensor("int32",Int32Array.from(idx),[KK,1]);
  await linear({opset,inputs:{x:{dims:[N]},i:{dtype:"int32",dims:[KK,1]}},nodes:[["Gather",["x","i"],"y"]]},{i:t32});
 }});
it("opset 10",async()=>{ const x={x:{dims:[3,4]}};
  for(const nodes of [[["Clip",["x"],"y",{min:{float:-.5},max:{float:.5}}]],[["ReduceMax",["x"],"y",{axes:[1]}]],[["Softmax",["x"],"y"]],[["MatMul",["x","w"],"y"]],[["Gemm",["x","w","c"],"y"]],[["Split",["x"],"y",{axis:1,split:[4]}]],[["Concat",["x","x"],"y",{axis:1}]],[["Tile",["x","r"],"y"]],[["Expand",["x","q"],"y"]],[["Max",["x","k"],"y"]],[["Pow",["x","k"],"y"]],[["ReduceL2",["x"],"y"]],[["Dropout",["x"],"y"]],[["Unsqueeze",["x"],"y",{axes:[0]}]]] as TinyModel["nodes"][]){
   const m:TinyModel={opset:10,inputs:x,constants:{w:{dims:[4,2],data:[1,2,3,4,5,6,7,8]},c:{dims:[2],data:[1,1]},r:ints([2,2]),q:ints([2,3,4]),k:{dims:[],data:[2]}},nodes};
   const d=await derive(m); const r=await run(d,{x:f([3,4]),y_grad:f(d.types.get("y")!.dims)}); expect(r.x_grad!.dims).toEqual([3,4]);
  }});
it("special",async()=>{
  const one=async(nodes:TinyModel["nodes"],xs:number[],extra:Partial<TinyModel>={})=>{const m={inputs:{x:{dims:[xs.length]}},nodes,...extra} as TinyModel;const d=await derive(m,["x"]);const yd=d.types.get("y")!.dims;const r=await run(d,{x:new ort.Tensor("float32",Float32Array.from(xs),[xs.length]),y_grad:new ort.Tensor("float32",new Float32Array(size(yd)).fill(1),yd)});return [...(r.x_grad!.data as Float32Array)];};
  console.log("sqrt",await one([["Sqrt",["x"],"y"]],[0,1,4]));
  console.log("log",await one([["Log",["x"],"y"]],[0,1,4]));
  console.log("l2",await one([["ReduceL2",["x"],"y"]],[0,0,0]));
  console.log("pow0",await one([["Pow",["x","k"],"y"]],[0,1,-4],{constants:{k:{dims:[3],data:[0,0,2]}}}));
  console.log("pow.5",await one([["Pow",["x","k"],"y"]],[0,1,4],{constants:{k:{dims:[],data:[.5]}}}));
  console.log("max3",await one([["Max",["x","k","x"],"y"]],[2,1,4],{constants:{k:{dims:[],data:[2]}}}));
  console.log("dropout2", await one([["Dropout",["x"],"y"]],[2,1,4]));
});
it("clip bounds",async()=>{ const d=await derive({inputs:{x:{dims:[5]},lo:{dims:[]},hi:{dims:[]}},nodes:[["Clip",["x","lo","hi"],"y"]]},["x","lo","hi"]);
 const s=(v:number)=>new ort.Tensor("float32",[v],[]);
 const r=await run(d,{x:new ort.Tensor("float32",[-2,-1,0,1,3],[5]),lo:s(-1),hi:s(1),y_grad:new ort.Tensor("float32",[1,2,4,8,16],[5])});
 console.log([...r.x_grad!.data as Float32Array],r.lo_grad!.data,r.hi_grad!.data);
 const e=await derive({inputs:{x:{dims:[2]},v:{dims:[]}},constants:{p:ints([1,2])},nodes:[["Pad",["x","p","v"],"y"]]},["x","v"]);
 const q=await run(e,{x:new ort.Tensor("float32",[1,2],[2]),v:s(3),y_grad:new ort.Tensor("float32",[1,2,4,8,16],[5])});
 console.log(q.x_grad!.data,q.v_grad!.data);
});
it("float64",async()=>{ for(const nodes of [[["Sigmoid",["x"],"y"]],[["Clip",["x"],"y"]],[["MatMul",["x","x"],"y"]],[["Max",["x","w"],"y"]],[["Gather",["x","i"],"y"]],[["Softmax",["x"],"y"]],[["Pad",["x","p"],"y",{mode:"reflect"}]],[["Pow",["x","w"],"y"]],[["Abs",["x"],"y"]],[["Erf",["x"],"y"]],[["ReduceMean",["x"],"y"]],[["Cast",["x"],"y",{to:1}]]] as TinyModel["nodes"][]){
  try{const d=await derive({inputs:{x:{dtype:"float64",dims:[3,3]}},constants:{w:{dtype:"float64",dims:[],data:[2.5]},i:ints([0,2,2,1,2,0,0]),p:ints([1,1,1,1])},nodes});
  const yd=d.types.get("y")!; const n=size(yd.dims);
  await run(d,{x:new ort.Tensor("float64",Float64Array.from({length:9},rnd),[3,3]),y_grad:yd.dtype==="float64"?new ort.Tensor("float64",Float64Array.from({length:n},rnd),yd.dims):f(yd.dims)});}
  catch(e){console.log(nodes[0]![0],String(e).slice(0,300));}
 }});
