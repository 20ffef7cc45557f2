// Objects made from objects: copy, rewrite, compose.
package fakegcp

type rewriteAnswer struct {
	Kind      string         `json:"kind"`
	Done      bool           `json:"done"`
	Rewritten int64          `json:"totalBytesRewritten,string"`
	Size      int64          `json:"objectSize,string"`
	Resource  objectResource `json:"resource"`
}

func (q *request) rewrite() (any, error) {
	o, err := q.copied()
	if err != nil {
		return nil, err
	}
	n := int64(len(o.Data))
	return rewriteAnswer{"storage#rewriteResponse", true, n, n, q.objectResource(o)}, nil
}

func (q *request) copyObject() (any, error) {
	o, err := q.copied()
	if err != nil {
		return nil, err
	}
	return q.objectResource(o), nil
}

// copied copies an object: the caller must read the source and create the target.
func (q *request) copied() (*object, error) {
	from, err := q.needObjectAccess("storage.objects.get", q.params["bucket"], q.params["object"])
	if err != nil {
		return nil, err
	}
	to, err := q.needObjectAccess("storage.objects.create", q.params["toBucket"], q.params["toObject"])
	if err != nil {
		return nil, err
	}
	g, err := q.generation("sourceGeneration")
	if err != nil {
		return nil, err
	}
	src := from.version(q.params["object"], g)
	if src == nil {
		return nil, q.missing("storage.objects.get", from, q.params["object"])
	}
	srcCond, err := q.conditions("ifSource")
	if err != nil {
		return nil, err
	}
	if err := srcCond.check(src, false); err != nil {
		return nil, err
	}
	cond, err := q.conditions("if")
	if err != nil {
		return nil, err
	}
	meta := src.Meta
	meta.StorageClass, meta.Retention, meta.TemporaryHold, meta.EventHold = "", nil, false, false
	if len(q.body) > 0 { // metadata in the body replaces the source's
		var in uploadBody
		if err := q.decode(&in); err != nil {
			return nil, err
		}
		if in.ContentType != "" || in.Metadata != nil || in.StorageClass != "" {
			meta = in.objectMeta
		}
	}
	return q.put(to, q.params["toObject"], meta, src.Data, cond, q.caller)
}

type composeBody struct {
	Kind        string     `json:"kind"`
	Destination uploadBody `json:"destination"`
	Sources     []struct {
		Name          string `json:"name"`
		Generation    int64  `json:"generation,string"`
		Preconditions struct {
			IfGenerationMatch *int64 `json:"ifGenerationMatch,string"`
		} `json:"objectPreconditions"`
	} `json:"sourceObjects"`
}

// compose joins up to 32 objects of a bucket.
// https://cloud.google.com/storage/docs/composing-objects
func (q *request) compose() (any, error) {
	name := q.params["object"]
	b, err := q.needObjectAccess("storage.objects.create", q.params["bucket"], name)
	if err != nil {
		return nil, err
	}
	var in composeBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	if n := len(in.Sources); n == 0 || n > 32 {
		return nil, failed(400, "The number of source components provided (%d) must be between 1 and 32.", n)
	}
	var data []byte
	parts := 0
	for _, s := range in.Sources {
		if !q.mayOnObject("storage.objects.get", b, s.Name) {
			return nil, q.denied("storage.objects.get", "Storage object")
		}
		o := b.version(s.Name, s.Generation)
		if o == nil {
			return nil, q.missing("storage.objects.get", b, s.Name)
		}
		if err := (conditions{GenMatch: s.Preconditions.IfGenerationMatch}).check(o, false); err != nil {
			return nil, err
		}
		data = append(data, o.Data...)
		parts += max(1, o.Components)
	}
	cond, err := q.conditions("if")
	if err != nil {
		return nil, err
	}
	o, err := q.put(b, name, in.Destination.objectMeta, data, cond, q.caller)
	if err != nil {
		return nil, err
	}
	o.Components = parts
	o.Updated = moment()
	return q.objectResource(o), nil
}
